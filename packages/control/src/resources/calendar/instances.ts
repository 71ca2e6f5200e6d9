/**
 * Lists the single events of a time range, with series expanded
 * (`@syncline/control/calendar/instances`).
 */
import { expandInstances, MAX_INSTANCE_RANGE_MS } from '@syncline/recurrence';
import type { NamedAccount, Mirror } from '@syncline/store';

export { DEFAULT_INSTANCE_LIMIT, MAX_INSTANCE_LIMIT } from '@syncline/recurrence';

/** Events that end after `timeMinMs` and start before `timeMaxMs`. */
export interface TimeRange {
  timeMinMs: number;
  timeMaxMs: number;
}

export type InstanceList =
  | {
      kind: 'listed';
      /** The calendar's id, with `primary` resolved. */
      calendarId: string;
      /** Sorted by start. */
      events: object[];
      /** False when the limit, or the bound on work, has left out events. */
      complete: boolean;
    }
  /** The account's calendar list has no such calendar. */
  | { kind: 'no-calendar' };

/**
 * Returns what is wrong with a range; null for a valid one. More than 100 years are too long. Pure.
 */
export function rangeProblem({ timeMinMs, timeMaxMs }: TimeRange): 'empty' | 'too-long' | null {
  if (timeMinMs >= timeMaxMs) return 'empty';
  return timeMaxMs - timeMinMs > MAX_INSTANCE_RANGE_MS ? 'too-long' : null;
}

/**
 * Lists events from the mirror alone.
 * @throws RangeError for an invalid range, and for a limit above `MAX_INSTANCE_LIMIT`
 */
export async function listInstances(
  { store }: { store: { mirror: Pick<Mirror, 'instanceSources'> } },
  account: Pick<NamedAccount, 'id'>,
  { calendarId, limit, ...range }: TimeRange & { calendarId: string; limit: number },
): Promise<InstanceList> {
  const sources = await store.mirror.instanceSources(account.id, calendarId, range);
  if (!sources) return { kind: 'no-calendar' };
  const { items, complete } = expandInstances(sources.events, {
    ...range,
    defaultZone: sources.timeZone,
    limit,
  });
  return { kind: 'listed', calendarId: sources.calendarId, events: items, complete };
}
