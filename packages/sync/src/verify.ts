import type { CalendarListEntry, Google, GoogleAccount } from '@syncline/google';
import { must, type Runtime } from '@syncline/runtime';
import { cleanJson, type Store } from '@syncline/store';
import { isTombstone } from './calendar/parse.js';
import { wholePolicy, type MirrorPolicy } from './gmail/mirror-policy.js';
import { COMPARE_PAGE, type ComparedMailbox, compareListing, compareMessages, listKept, type MailboxDrift, sampleOf } from './verify-mailbox.js';

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
  /** What the mirror is meant to hold; what is left unsaid is everything. */
  mirror?: Partial<MirrorPolicy>;
}

export interface VerifyOptions {
  /** Of the mailbox, ids and labels by listing and the content of so many messages; without it, the content of all. */
  sample?: number;
  /** The account's Google project. */
  project?: string;
  progress?: (checked: number) => void;
}

/** Verifying may wait for quota that long at a time: it runs in a person's terminal, not in a worker's slot. */
const MAX_QUOTA_WAIT_MS = 10 * 60_000;

/** Before the second look the fleet gets this long to catch up; without a running fleet the look is taken all the same. */
const CATCH_UP_MS = 20_000;
const CATCH_UP_POLL_MS = 250;

/**
 * Compares every field of the mirror with Google now. Differences are looked at a second time, after the fleet has been rung and
 * has caught up, since a mailbox in use is always a poll behind; what differs twice is reported.
 * Costs 20 units a message and 5 for every 500 ids (with a sample: 5 for every 500 ids of each label, and 20 for each message of it);
 * a calendar costs a request for every 2,500 events.
 */
export async function verifyAccount(
  rt: Runtime, deps: VerifyDeps, accountId: string, resource: 'gmail' | 'calendar', options: VerifyOptions = {},
): Promise<VerifyReport> {
  const account = deps.google.account(accountId, { lane: 'backfill', project: options.project, signal: rt.signal, maxQuotaWaitMs: MAX_QUOTA_WAIT_MS });
  const catchUp = (): Promise<void> => waitForFleet(rt, deps.store, accountId, resource);
  try {
    return resource === 'gmail' ? await verifyMailbox(rt, deps, account, accountId, options, catchUp) : await verifyCalendars(deps.store, account, accountId, options, catchUp);
  } finally {
    await deps.store.quota.record(accountId, account.takeSpent());
  }
}

/**
 * Mends exactly what a report names: messages are read again one by one (what Google does not have goes), calendars are walked, which
 * costs a request for every 2,500 events and writes only what differs. Done by the next runs, with change events like any other change.
 */
export async function repairDrift(store: Store, accountId: string, report: VerifyReport): Promise<void> {
  const ids = namesIn(report);
  if (ids.length === 0) return;
  if (report.resource === 'gmail') await store.quarantine.wantMessages(accountId, ids);
  else await store.collections.markWanted([accountId], { resource: 'calendar', full: true });
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

async function verifyMailbox(rt: Runtime, deps: VerifyDeps, account: GoogleAccount, accountId: string, options: VerifyOptions, catchUp: () => Promise<void>): Promise<VerifyReport> {
  const mailbox: ComparedMailbox = { store: deps.store, account, accountId, policy: wholePolicy(deps.mirror), window: await deps.store.mirror.window(accountId) };
  const { checked, suspects } = options.sample === undefined ? await lookAtAll(mailbox, options) : await lookAtSample(rt, mailbox, options.sample);
  options.progress?.(checked);
  if (suspects.length > 0) await catchUp();
  const { missing, extra, stale } = await compareMessages(mailbox, suspects);
  return { resource: 'gmail', checked, missing: missing.sort(), extra: extra.sort(), stale: stale.sort() };
}

async function lookAtAll(mailbox: ComparedMailbox, { progress }: VerifyOptions): Promise<Looked> {
  const ids = await listKept(mailbox);
  const suspects: string[] = [];
  for (let from = 0; from < ids.length; from += COMPARE_PAGE) {
    const page = ids.slice(from, from + COMPARE_PAGE);
    const compared = await compareMessages(mailbox, page);
    suspects.push(...namesIn(compared));
    progress?.(from + page.length);
  }
  const listed = new Set(ids);
  const unlisted: string[] = [];
  for await (const { id } of mailbox.store.mirror.labels(mailbox.accountId)) if (!listed.has(id)) unlisted.push(id);
  // Rows of a slice that is just being deepened stand outside the list, and are none the worse for it.
  suspects.push(...(mailbox.window.goalMs === null ? unlisted : namesIn(await compareMessages(mailbox, unlisted))));
  return { checked: ids.length, suspects };
}

async function lookAtSample(rt: Runtime, mailbox: ComparedMailbox, sample: number): Promise<Looked> {
  const { ids, suspects } = must(await compareListing(mailbox), 'an unbounded listing has an end');
  const known = new Set(suspects);
  const sampled = await compareMessages(mailbox, sampleOf(ids, sample, () => rt.random.next()).filter((id) => !known.has(id)));
  return { checked: ids.length, suspects: [...suspects, ...namesIn(sampled)] };
}

function namesIn({ missing, extra, stale }: MailboxDrift): string[] {
  return [...missing, ...extra, ...stale];
}

interface Looked {
  checked: number;
  /** Differs by the first look. */
  suspects: string[];
}

async function verifyCalendars(store: Store, account: GoogleAccount, accountId: string, { progress }: VerifyOptions, catchUp: () => Promise<void>): Promise<VerifyReport> {
  const report: VerifyReport = { resource: 'calendar', checked: 0, missing: [], extra: [], stale: [] };
  const first = await compareEvents(store, account, accountId);
  report.checked = first.checked;
  progress?.(first.checked);
  if (first.differences.size === 0) return report;
  await catchUp();
  const second = await compareEvents(store, account, accountId);
  for (const [key, kind] of second.differences) if (first.differences.get(key) === kind) report[kind].push(key);
  return report;
}

type Difference = 'missing' | 'extra' | 'stale';

async function compareEvents(store: Store, account: GoogleAccount, accountId: string): Promise<{ checked: number; differences: Map<string, Difference> }> {
  const source = await readAllEvents(account);
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
async function readAllEvents(account: GoogleAccount): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const { id: calendarId } of await readCalendars(account)) {
    for (const [id, event] of must(await readEvents(account, calendarId), 'an unbounded reading has an end')) all.set(`${calendarId}/${id}`, event);
  }
  return all;
}

/** The living events of one calendar, as canonical JSON by id; null when it has more pages than allowed. */
export async function readEvents(account: GoogleAccount, calendarId: string, pagesAllowed = Number.POSITIVE_INFINITY): Promise<Map<string, string> | null> {
  const events = new Map<string, string>();
  let pageToken: string | null = null;
  for (let pages = 0; pages < pagesAllowed; pages++) {
    const page: Awaited<ReturnType<GoogleAccount['calendar']['events']>> = await account.calendar.events({ calendarId, syncToken: null, pageToken });
    for (const event of page.items) if (!isTombstone(event)) events.set(must(event.id, 'an event without id'), canonical(JSON.parse(cleanJson(event))));
    pageToken = page.nextPageToken;
    if (pageToken === null) return events;
  }
  return null;
}

/** The entries of the calendar list that are not deleted. */
export async function readCalendars(account: GoogleAccount): Promise<(CalendarListEntry & { id: string })[]> {
  const entries: (CalendarListEntry & { id: string })[] = [];
  for (let pageToken: string | null = null; ; ) {
    const page: Awaited<ReturnType<GoogleAccount['calendar']['calendars']>> = await account.calendar.calendars({ syncToken: null, pageToken });
    for (const entry of page.items) if (entry.id && !entry.deleted) entries.push({ ...entry, id: entry.id });
    pageToken = page.nextPageToken;
    if (pageToken === null) return entries;
  }
}

/** JSON with sorted keys: jsonb keeps another order than Google's. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
