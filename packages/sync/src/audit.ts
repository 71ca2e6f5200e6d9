import { GoogleError, type GoogleAccount } from '@syncline/google';
import { unreachable, type Runtime } from '@syncline/runtime';
import type { Lease, Store } from '@syncline/store';
import { parseCalendarCursor, parseGmailCursor, type Cursor } from './cursor.js';
import { meaningOfHistory } from './gmail/interpret.js';
import { wholePolicy } from './gmail/mirror-policy.js';
import { meaningOfEvents } from './calendar/turn.js';
import type { SyncDeps } from './sync-collection.js';
import { canonical, readEvents } from './verify.js';
import { type ComparedMailbox, compareListing, compareMessages, sampleOf } from './verify-mailbox.js';

/*
 * The audit: now and then, when a collection is level and nothing else is to be done for it, its mirror is held against Google within a
 * budget. What differs although Google's own log of changes does not name it is drift: it is reported, and mended by the next run like
 * any other change. A mailbox costs 5 units for every 500 ids of every label and 20 for each message that is compared; a calendar a
 * request for every 2,500 events. Calendar lists are too small to need one: every walk of theirs is complete.
 */

/** Pages of listings that one audit may read: 2,000 units, a third of what a mailbox gets in a minute. */
const LISTING_PAGES = 400;
/** Messages whose content is compared although nothing speaks against them. */
const SAMPLE = 20;
/** Messages that one audit looks at twice and mends; with more than that the next one goes on. */
const SUSPECTS = 200;

/** A drift's share of an audit, by how often it is due: `ageMs` is the time since the last audit or walk. Jitter in [0, 1). */
export function isAuditDue(everyMs: number, ageMs: number | null, jitter: number): boolean {
  return everyMs > 0 && ageMs !== null && ageMs > everyMs * (0.9 + 0.2 * jitter);
}

/** Under the collection's lease, level with Google. Quota and weather put it off to the next look. */
export async function auditCollection(rt: Runtime, deps: SyncDeps, lease: Lease, cursor: Cursor, signal: AbortSignal): Promise<void> {
  const account = deps.google.account(lease.accountId, { lane: 'catch-up', project: lease.project, signal });
  try {
    const drift = await driftOf(rt, deps, account, lease, cursor);
    if (drift === null) return;
    await report(rt, deps.store, lease, drift);
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error;
    rt.log.info({ event: 'audit_put_off', collectionId: lease.collectionId, err: error }, 'an audit waits for a better moment');
  } finally {
    await deps.store.quota.record(lease.accountId, account.takeSpent());
  }
}

interface Drift {
  ids: string[];
  /** False when there may be more than this audit has looked at. */
  whole: boolean;
}

/** @returns null when the collection has moved on meanwhile, and cannot be judged */
async function driftOf(rt: Runtime, deps: SyncDeps, account: GoogleAccount, lease: Lease, cursor: Cursor): Promise<Drift | null> {
  switch (lease.kind) {
    case 'gmail':
      return mailboxDrift(rt, deps, account, lease, cursor);
    case 'calendar-events':
      return calendarDrift(deps.store, account, lease, cursor);
    case 'calendar-list':
      return { ids: [], whole: true };
    default:
      return unreachable(lease.kind);
  }
}

async function mailboxDrift(rt: Runtime, { store, mirror }: SyncDeps, account: GoogleAccount, lease: Lease, cursor: Cursor): Promise<Drift | null> {
  const mailbox = parseGmailCursor(cursor);
  if (mailbox.phase !== 'follow') return null;
  const compared: ComparedMailbox = { store, account, accountId: lease.accountId, policy: wholePolicy(mirror), window: lease.window };
  const listing = await compareListing(compared, { pagesLeft: LISTING_PAGES });
  if (listing === null) {
    rt.log.info({ event: 'audit_too_large', collectionId: lease.collectionId }, 'the mailbox is too large for an audit; syncline verify compares it');
    return { ids: [], whole: true };
  }
  const excused = new Set((await store.quarantine.list([lease.accountId])).map(({ itemId }) => itemId));
  const suspects = listing.suspects.filter((id) => !excused.has(id));
  const looked = [...new Set([...suspects.slice(0, SUSPECTS), ...sampleOf(listing.ids, SAMPLE, () => rt.random.next()).filter((id) => !excused.has(id))])];
  const { missing, extra, stale } = await compareMessages(compared, looked);
  const differ = [...missing, ...extra, ...stale];
  if (differ.length === 0) return { ids: [], whole: suspects.length <= SUSPECTS };
  const since = await account.gmail.history({ startHistoryId: BigInt(mailbox.after), pageToken: null });
  if (since.nextPageToken !== null) return null;
  const { added, refetch, deleted, labelChanges } = meaningOfHistory(since.records);
  const changed = new Set([...added, ...refetch, ...deleted, ...labelChanges.map(({ id }) => id)]);
  return { ids: differ.filter((id) => !changed.has(id)), whole: suspects.length <= SUSPECTS };
}

async function calendarDrift(store: Store, account: GoogleAccount, lease: Lease, cursor: Cursor): Promise<Drift | null> {
  const calendar = parseCalendarCursor(cursor);
  if (calendar.phase !== 'follow') return null;
  const source = await readEvents(account, lease.externalId);
  const differ: string[] = [];
  for await (const { event } of store.mirror.events(lease.accountId, lease.externalId)) {
    const id = String(event['id']);
    if (source.get(id) !== canonical(event)) differ.push(id);
    source.delete(id);
  }
  differ.push(...source.keys());
  if (differ.length === 0) return { ids: [], whole: true };
  const since = await account.calendar.events({ calendarId: lease.externalId, syncToken: calendar.bookmark, pageToken: null });
  if (since.nextPageToken !== null) return null;
  const { metIds, delta } = meaningOfEvents(since.items);
  const changed = new Set([...metIds, ...(delta.kind === 'calendar-events' ? delta.deleted : [])]);
  return { ids: differ.filter((id) => !changed.has(id)), whole: true };
}

async function report(rt: Runtime, store: Store, lease: Lease, drift: Drift): Promise<void> {
  if (drift.ids.length > 0) {
    rt.metrics.reconcileDrift.inc({ kind: lease.kind }, drift.ids.length);
    rt.log.warn({ event: 'drift', accountId: lease.accountId, collectionId: lease.collectionId, items: drift.ids.length }, 'an audit found rows that differ from Google; they are mended now');
    if (lease.kind === 'gmail') await store.quarantine.wantMessages(lease.accountId, drift.ids);
    else await store.collections.wantWalk(lease.collectionId);
  }
  await store.lease.audited(lease, drift.ids.length, drift.whole);
}
