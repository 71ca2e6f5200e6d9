import type { Google, GoogleAccount } from '@syncline/google';
import { must, type Runtime } from '@syncline/runtime';
import { cleanJson, type ExportedMessage, type MessageRow, type Store } from '@syncline/store';
import { isTombstone } from './calendar/parse.js';
import { MIRROR_EVERYTHING, withBodies, type MirrorPolicy } from './gmail/bodies.js';
import { parseMessage } from './gmail/parse.js';

/** What a comparison of the mirror with Google found; the arrays name ids (events as calendar/event). */
export interface VerifyReport {
  resource: 'gmail' | 'calendar';
  checked: number;
  missing: string[];
  extra: string[];
  stale: string[];
}

export interface VerifyDeps {
  store: Store;
  google: Google;
  /** What the mirror is meant to hold. Default: everything. */
  mirror?: MirrorPolicy;
}

/** Verifying may wait for quota that long at a time: it runs in a person's terminal, not in a worker's slot. */
const MAX_QUOTA_WAIT_MS = 10 * 60_000;
const PAGE = 40;

/** Before the second look the fleet gets this long to catch up; without a running fleet the look is taken all the same. */
const CATCH_UP_MS = 20_000;
const CATCH_UP_POLL_MS = 250;

/**
 * Compares every field of the mirror with Google now. Differences are looked at a second time, after the fleet has been rung and
 * has caught up, since a mailbox in use is always a poll behind; what differs twice is reported.
 * Costs 20 units a message and 5 for every 500 ids; a calendar costs a request for every 2,500 events.
 */
export async function verifyAccount(
  rt: Runtime, deps: VerifyDeps, accountId: string, resource: 'gmail' | 'calendar', progress: (checked: number) => void = () => undefined,
): Promise<VerifyReport> {
  const account = deps.google.account(accountId, { lane: 'backfill', signal: rt.signal, maxQuotaWaitMs: MAX_QUOTA_WAIT_MS });
  const catchUp = (): Promise<void> => waitForFleet(rt, deps.store, accountId, resource);
  try {
    return resource === 'gmail' ? await verifyMailbox(deps, account, accountId, progress, catchUp) : await verifyCalendars(deps.store, account, accountId, progress, catchUp);
  } finally {
    await deps.store.quota.record(accountId, account.takeSpent());
  }
}

async function waitForFleet(rt: Runtime, store: Store, accountId: string, resource: 'gmail' | 'calendar'): Promise<void> {
  const since = await store.collections.markWanted([accountId], { resource });
  const deadlineMs = rt.clock.nowMs() + CATCH_UP_MS;
  while (rt.clock.nowMs() < deadlineMs) {
    const unserved = await store.collections.unservedSince([accountId], since);
    if (!unserved.some((collection) => (collection.kind === 'gmail') === (resource === 'gmail'))) return;
    await rt.clock.sleep(CATCH_UP_POLL_MS, rt.signal);
  }
}

async function verifyMailbox(deps: VerifyDeps, account: GoogleAccount, accountId: string, progress: (checked: number) => void, catchUp: () => Promise<void>): Promise<VerifyReport> {
  const ids = await listIds(account);
  const report: VerifyReport = { resource: 'gmail', checked: 0, missing: [], extra: [], stale: [] };
  const suspects: string[] = [];
  for (let i = 0; i < ids.length; i += PAGE) {
    const page = ids.slice(i, i + PAGE);
    const compared = await compareMessages(deps, account, accountId, page);
    suspects.push(...compared.missing, ...compared.extra, ...compared.stale);
    progress((report.checked += page.length));
  }
  const listed = new Set(ids);
  for await (const message of deps.store.mirror.messages(accountId)) if (!listed.has(message.id)) suspects.push(message.id);
  if (suspects.length > 0) await catchUp();
  for (let i = 0; i < suspects.length; i += PAGE) {
    const again = await compareMessages(deps, account, accountId, suspects.slice(i, i + PAGE));
    report.missing.push(...again.missing);
    report.extra.push(...again.extra);
    report.stale.push(...again.stale);
  }
  for (const found of [report.missing, report.extra, report.stale]) found.sort();
  return report;
}

async function listIds(account: GoogleAccount): Promise<string[]> {
  const ids: string[] = [];
  for (let pageToken: string | null = null; ; ) {
    const page: Awaited<ReturnType<GoogleAccount['gmail']['listMessages']>> = await account.gmail.listMessages({ pageToken });
    for (const item of page.ids) ids.push(item.id);
    pageToken = page.nextPageToken;
    if (pageToken === null) return ids;
  }
}

async function compareMessages({ store, mirror: policy = MIRROR_EVERYTHING }: VerifyDeps, account: GoogleAccount, accountId: string, ids: readonly string[]): Promise<{ missing: string[]; extra: string[]; stale: string[] }> {
  const answer = await account.gmail.getMessages([...ids]);
  if (answer.failed[0]) throw answer.failed[0].error;
  const source = new Map(answer.messages.map((message) => [message.id ?? '', exportedForm(withBodies(parseMessage(message), policy))]));
  const mirror = new Map<string, ExportedMessage>();
  for await (const message of store.mirror.messages(accountId, ids)) mirror.set(message.id, message);
  const found = { missing: [] as string[], extra: [] as string[], stale: [] as string[] };
  for (const id of ids) {
    const there = source.get(id);
    const here = mirror.get(id);
    if (there && !here) found.missing.push(id);
    else if (!there && here) found.extra.push(id);
    else if (there && here && JSON.stringify(there) !== JSON.stringify(here)) found.stale.push(id);
  }
  return found;
}

/** The row as `export` would print it, field by field in the same order. */
function exportedForm(row: MessageRow): ExportedMessage {
  return {
    id: row.id, threadId: row.threadId, labelIds: row.labelIds, internalDate: row.internalDateMs === null ? null : String(row.internalDateMs),
    sizeEstimate: row.sizeEstimate, snippet: row.snippet, subject: row.subject, from: row.from, to: row.to, cc: row.cc, date: row.date,
    messageId: row.messageId, text: row.text, html: row.html,
    attachments: row.attachments.map((a) => ({ partId: a.partId, filename: a.filename, mimeType: a.mimeType, size: a.size })),
  };
}

async function verifyCalendars(store: Store, account: GoogleAccount, accountId: string, progress: (checked: number) => void, catchUp: () => Promise<void>): Promise<VerifyReport> {
  const report: VerifyReport = { resource: 'calendar', checked: 0, missing: [], extra: [], stale: [] };
  const first = await compareEvents(store, account, accountId);
  progress((report.checked = first.checked));
  if (first.differences.size === 0) return report;
  await catchUp();
  const second = await compareEvents(store, account, accountId);
  for (const [key, kind] of second.differences) if (first.differences.get(key) === kind) report[kind].push(key);
  return report;
}

type Difference = 'missing' | 'extra' | 'stale';

async function compareEvents(store: Store, account: GoogleAccount, accountId: string): Promise<{ checked: number; differences: Map<string, Difference> }> {
  const source = await readEvents(account);
  const checked = source.size;
  const differences = new Map<string, Difference>();
  for await (const { calendarId, event } of store.mirror.events(accountId)) {
    const key = `${calendarId}/${String(event['id'])}`;
    const there = source.get(key);
    if (there === undefined) differences.set(key, 'extra');
    else if (there !== canonical(event)) differences.set(key, 'stale');
    source.delete(key);
  }
  for (const key of source.keys()) differences.set(key, 'missing');
  return { checked, differences };
}

/** Every event of every calendar that the account lists, as canonical JSON. */
async function readEvents(account: GoogleAccount): Promise<Map<string, string>> {
  const events = new Map<string, string>();
  for (const calendarId of await readCalendarIds(account)) {
    for (let pageToken: string | null = null; ; ) {
      const page: Awaited<ReturnType<GoogleAccount['calendar']['events']>> = await account.calendar.events({ calendarId, syncToken: null, pageToken });
      for (const event of page.items) if (!isTombstone(event)) events.set(`${calendarId}/${must(event.id, 'an event without id')}`, canonical(JSON.parse(cleanJson(event))));
      pageToken = page.nextPageToken;
      if (pageToken === null) break;
    }
  }
  return events;
}

async function readCalendarIds(account: GoogleAccount): Promise<string[]> {
  const ids: string[] = [];
  for (let pageToken: string | null = null; ; ) {
    const page: Awaited<ReturnType<GoogleAccount['calendar']['calendars']>> = await account.calendar.calendars({ syncToken: null, pageToken });
    for (const entry of page.items) if (entry.id && !entry.deleted) ids.push(entry.id);
    pageToken = page.nextPageToken;
    if (pageToken === null) return ids;
  }
}

/** JSON with sorted keys: jsonb keeps another order than Google's. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
