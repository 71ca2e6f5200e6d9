import { GoogleError, type FetchedMessages } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import { asAccessLost } from '../resources/calendar/access.js';
import { isKept } from '../resources/gmail/mirror-policy.js';
import { floorMs } from '../resources/gmail/window.js';
import type { TurnContext } from '../turn.js';

/** What Google answered for ids that a listing did not name. */
export interface Asked {
  /** Google has them, and the mirror should. */
  alive: number;
  /** Google does not have them, or they are not to be mirrored. */
  gone: number;
}

/** Calls at a time. */
const AT_ONCE = 4;

/**
 * Asks for each of these by its id. An id that Google gives no answer for says nothing, but at
 * least half of them must be answered.
 * @throws GoogleError when they are not, or when the account's quota or grant ends
 */
export async function askByIds(context: TurnContext, ids: readonly string[]): Promise<Asked> {
  if (ids.length === 0) return { alive: 0, gone: 0 };
  const { kind } = context.lease;
  switch (kind) {
    case 'gmail':
      return askForMessages(context, ids);
    case 'calendar-events':
      return askEach(ids, async (id) =>
        isLive(await context.google.calendar.event(context.lease.externalId, id)),
      );
    case 'calendar-list':
      return askEach(ids, async (id) => {
        const calendar = await context.google.calendar.calendar(id);
        return calendar !== null && calendar.deleted !== true;
      });
    default:
      return unreachable(kind);
  }
}

/**
 * Asks for messages, without their contents. One that Google gives no answer for is in `failed`,
 * and at least half of them must be answered.
 * @throws GoogleError when they are not, or when the account's quota or grant ends
 */
export async function askForLabels(
  { google }: TurnContext,
  ids: readonly string[],
): Promise<FetchedMessages> {
  if (ids.length === 0) return { messages: [], missing: [], failed: [] };
  const answer = await google.gmail.glanceAt([...ids]);
  throwIfTooFew(
    ids.length,
    answer.messages.length + answer.missing.length,
    answer.failed.map(({ error }) => error),
  );
  return answer;
}

function isLive(event: { status?: string | null } | null): boolean {
  return event !== null && event.status !== 'cancelled';
}

async function askForMessages(
  { google, mirror, window }: TurnContext,
  ids: readonly string[],
): Promise<Asked> {
  const { messages, missing, failed } = await google.gmail.glanceAt([...ids]);
  const alive = messages.filter((message) => isKept(mirror, floorMs(window), message)).length;
  const gone = missing.length + messages.length - alive;
  return answered(
    ids.length,
    { alive, gone },
    failed.map(({ error }) => error),
  );
}

async function askEach(
  ids: readonly string[],
  isAlive: (id: string) => Promise<boolean>,
): Promise<Asked> {
  const asked: Asked = { alive: 0, gone: 0 };
  const errors: GoogleError[] = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const some = await Promise.all(
      ids.slice(from, from + AT_ONCE).map((id) =>
        isAlive(id).catch((error: unknown) => {
          if (!(error instanceof GoogleError)) throw error;
          return error;
        }),
      ),
    );
    for (const answer of some)
      if (answer instanceof GoogleError) errors.push(answer);
      else asked[answer ? 'alive' : 'gone'] += 1;
    if (errors.some(endsAsking)) break;
  }
  return answered(ids.length, asked, errors);
}

/** One item that Google has is enough to decide. */
function answered(count: number, asked: Asked, errors: readonly GoogleError[]): Asked {
  if (asked.alive === 0) throwIfTooFew(count, asked.gone, errors);
  return asked;
}

function throwIfTooFew(count: number, answers: number, errors: readonly GoogleError[]): void {
  const error = errors.find(endsAsking) ?? errors[0];
  if (error && (endsAsking(error) || answers * 2 < count)) throw asAccessLost(error);
}

/** Quota, keys and grants are the account's; every other error is about one id. */
function endsAsking({ detail }: GoogleError): boolean {
  return ['rate-limited', 'key-missing', 'unauthorized'].includes(detail.kind);
}
