/** What happened to an account, newest first (`@syncline/control/timeline`). */
import type { AccountEvent, AccountEventKind, Store } from '@syncline/store';
import { counted, duration, nameOf } from './words.js';

interface Deps {
  store: { events: Pick<Store['events'], 'page'> };
}

/** Reads up to `limit` events, page by page. */
export async function readTimeline(
  { store }: Deps,
  accountId: string,
  limit: number,
): Promise<AccountEvent[]> {
  const events: AccountEvent[] = [];
  while (events.length < limit) {
    const asked = Math.min(PAGE, limit - events.length);
    const before = events.at(-1)?.id ?? null;
    const page = await store.events.page({ accountId, before, limit: asked });
    events.push(...page);
    if (page.length < asked) break;
  }
  return events;
}

const PAGE = 500;

/** An event as `timeline --json` and the API show it; the field names are public. */
export interface EventDocument {
  id: string;
  at: Date;
  kind: AccountEventKind;
  collection: AccountEvent['collection'];
  actor: string | null;
  detail: Record<string, unknown>;
  /** The same for a person. */
  text: string;
}

/** Pure. */
export function eventDocument(event: AccountEvent): EventDocument {
  return { ...event, id: String(event.id), detail: { ...event.detail }, text: eventWords(event) };
}

/** Returns the event as text for a person, without its time. Pure. */
export function eventWords(event: AccountEvent): string {
  const { collection } = event;
  const words = WORDS[event.kind](event.detail);
  if (collection === null) return words;
  return `${collectionName(collection)}: ${words}`;
}

function collectionName({ kind, externalId }: NonNullable<AccountEvent['collection']>): string {
  if (kind === null || externalId === null) return 'a collection that is gone';
  return nameOf({ kind, externalId });
}

type Words = (detail: AccountEvent['detail']) => string;

/** A new kind of event does not compile until it has its text. */
const WORDS: Record<AccountEventKind, Words> = {
  account_connected: ({ resources = [] }) => `connected, with ${resources.join(', ')}`,
  account_state_changed: ({ from, to, reason }) =>
    withReason(`${list(from)} → ${list(to)}`, reason),
  grant_replaced: () => 'another refresh token was imported',
  address_changed: () => 'its address at Google has changed',
  resources_changed: ({ from, to }) => `mirrors ${list(to)} now; before: ${list(from)}`,
  full_sync_requested: () => 'a full sync was requested',
  full_sync_started: () => 'a full sync began',
  full_sync_finished: ({ items = 0, seconds }) =>
    `the full sync is complete: ${counted(items, 'item')}${seconds === undefined ? '' : ` in ${duration(seconds * 1_000)}`}`,
  repair_requested: () => 'a full sync was requested that repairs differences',
  collection_parked: ({ reason }) => withReason('parked', reason),
  collection_resumed: ({ code = 'unknown' }) => `no longer parked (${code})`,
  collection_gone: ({ reason }) => withReason('gone', reason),
  collection_returned: () => 'is back',
  errors_started: ({ failures = 0, reason }) =>
    withReason(`${counted(failures, 'run')} in a row failed`, reason),
  errors_stopped: ({ failures = 0 }) => `works again after ${counted(failures, 'failed run')}`,
  audit_finished: ({ compared = 0, different = 0 }) =>
    `audit: ${counted(compared, 'item')} compared, ${different === 0 ? 'nothing differed' : `${counted(different, 'item')} differed`}`,
  items_quarantined: ({ items = 0, reason }) =>
    withReason(`${counted(items, 'item')} put in quarantine`, reason),
  widespread_errors_started: ({ reason }) =>
    withReason('Google does not answer many accounts properly', reason),
  widespread_errors_stopped: () => 'Google answers most accounts again',
  project_refused: ({ part, code }) =>
    `Google refuses a part of the account's project: ${list(part)} (${list(code)})`,
  project_accepted: ({ part }) => `Google accepts the project's ${list(part)} again`,
};

function withReason(words: string, reason: string | undefined): string {
  return reason === undefined ? words : `${words}: ${reason}`;
}

function list(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? 'unknown');
}
