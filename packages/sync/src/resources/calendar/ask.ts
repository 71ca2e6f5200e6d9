import { askEach, type Asked } from '../../evidence/ask.js';
import type { StepContext } from '../../step.js';
import { asAccessLost } from './access.js';

/** @throws GoogleError when too few ids are answered, or the account's quota or grant ends */
export function askForEvents(
  { google, lease }: StepContext,
  ids: readonly string[],
): Promise<Asked> {
  return asked(ids, async (id) => isLive(await google.calendar.event(lease.externalId, id)));
}

/** @throws GoogleError when too few ids are answered, or the account's quota or grant ends */
export function askForCalendars({ google }: StepContext, ids: readonly string[]): Promise<Asked> {
  return asked(ids, async (id) => {
    const calendar = await google.calendar.calendar(id);
    return calendar !== null && calendar.deleted !== true;
  });
}

function isLive(event: { status?: string | null } | null): boolean {
  return event !== null && event.status !== 'cancelled';
}

function asked(ids: readonly string[], isAlive: (id: string) => Promise<boolean>): Promise<Asked> {
  return askEach(ids, isAlive).catch((error: unknown) => {
    throw asAccessLost(error);
  });
}
