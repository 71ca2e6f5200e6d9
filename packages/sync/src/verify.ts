import { createHash } from 'node:crypto';
import {
  GoogleError,
  type CalendarListEntry,
  type Google,
  type GoogleAccount,
} from '@syncline/google';
import { must, OperatorError, type Runtime } from '@syncline/runtime';
import {
  cleanJson,
  isStorableId,
  type HeldCollection,
  type LeaseHolder,
  type Store,
} from '@syncline/store';
import { isTombstone, seriesOfCancelled, withoutOrphans } from './resources/calendar/parse.js';
import { verifiedAccount } from './identity/require-verified.js';
import { isAccounts } from './resources/gmail/answers.js';
import { wholePolicy, type MirrorPolicy } from './resources/gmail/mirror-policy.js';
import {
  COMPARE_PAGE,
  type ComparedMailbox,
  LONGEST_THREAD,
  type ListedMessage,
  compareListed,
  compareListing,
  compareMessages,
  listKept,
  type MailboxDrift,
  sampleOf,
} from './resources/gmail/compare.js';

/** What a comparison of the mirror with Google found; the arrays name ids (events as calendar/event). */
export interface VerifyReport {
  resource: 'gmail' | 'calendar';
  checked: number;
  missing: string[];
  extra: string[];
  stale: string[];
  /**
   * What could not be read at the source while others could (a calendar by its id): nothing is said
   * of it.
   */
  unread: string[];
  /** Items in quarantine; absent when there are none. */
  quarantined?: { id: string; reason: string; since: Date; nextTryAt: Date | null }[];
  /**
   * Full listings that lacked stored rows, which stay until another listing; absent when there are
   * none.
   */
  held?: HeldCollection[];
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
  progress?: (checked: number) => void;
}

/** Verifying may wait for quota that long at a time: it runs in a person's terminal, not in a worker's slot. */
const MAX_QUOTA_WAIT_MS = 10 * 60_000;

/**
 * Google caps a mailbox's calls in flight at some 25. The run that holds the mailbox's lease has a batch of 20 under way; with this
 * many a comparison beside it stays under the cap. It is no slower for it: a mailbox's quota gives 300 messages a minute.
 */
const MAX_PARTS = 4;

/** Before the second look the fleet gets this long to catch up; without a running fleet the look is taken all the same. */
const CATCH_UP_MS = 20_000;
const CATCH_UP_POLL_MS = 250;

/**
 * Compares every field of the mirror with Google now. Differences are looked at a second time, after the fleet has been rung and
 * has caught up, since a mailbox in use is always a poll behind; what differs twice is reported.
 * Costs 20 units a message, or 40 a thread where that is less, and 5 for every 500 ids (with a sample: 5 for every 500 ids of each label, and 20 for each message of it);
 * a calendar costs a request for every 2,500 events.
 */
export async function verifyAccount(
  rt: Runtime,
  deps: VerifyDeps,
  accountId: string,
  resource: 'gmail' | 'calendar',
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const stop = new AbortController();
  const account = await verifiedAccount(rt, deps, accountId, {
    lane: 'backfill',
    signal: AbortSignal.any([rt.signal, stop.signal]),
    maxQuotaWaitMs: MAX_QUOTA_WAIT_MS,
    maxParts: MAX_PARTS,
  });
  const catchUp = (): Promise<void> => waitForFleet(rt, deps.store, accountId, resource);
  try {
    if (resource === 'calendar')
      return await withHeld(
        deps.store,
        accountId,
        await verifyCalendars(deps.store, account, accountId, options, catchUp),
      );
    const done = await deps.store.alone(`verify ${accountId}`, ({ signal }) => {
      signal.addEventListener('abort', () => stop.abort(signal.reason), { once: true });
      return verifyMailbox(rt, deps, account, accountId, options, catchUp);
    });
    if (done.kind === 'held') throw comparedElsewhere(done.by);
    return await withHeld(deps.store, accountId, done.result);
  } finally {
    await deps.store.quota.record(accountId, account.takeSpent());
  }
}

function comparedElsewhere({ host, pid, since, endsInMs }: LeaseHolder): OperatorError {
  const leftS = Math.max(1, Math.ceil(endsInMs / 1_000));
  return new OperatorError(
    `another comparison of this mailbox is under way, by process ${pid} on ${host} since ${since.toISOString()}; two at once would exceed what Google lets a mailbox answer at a time. ` +
      `If that process is dead, its lease ends in ${leftS} s.`,
  );
}

async function withHeld(
  store: Store,
  accountId: string,
  report: VerifyReport,
): Promise<VerifyReport> {
  const held = (await store.collections.heldOf(accountId)).filter(({ kind }) =>
    kind.startsWith(report.resource),
  );
  const quarantined = (await store.quarantine.list([accountId]))
    .filter(({ kind }) => kind.startsWith(report.resource))
    .map(({ itemId, reason, firstAt, retryAt }) => ({
      id: itemId,
      reason,
      since: firstAt,
      nextTryAt: retryAt,
    }));
  return {
    ...report,
    ...(held.length === 0 ? {} : { held }),
    ...(quarantined.length === 0 ? {} : { quarantined }),
  };
}

async function waitForFleet(
  rt: Runtime,
  store: Store,
  accountId: string,
  resource: 'gmail' | 'calendar',
): Promise<void> {
  const since = await store.collections.markWanted([accountId], { resource });
  const deadlineMs = rt.clock.nowMs() + CATCH_UP_MS;
  while (rt.clock.nowMs() < deadlineMs) {
    const unserved = await store.collections.unservedSince([accountId], since);
    if (!unserved.some((collection) => (collection.kind === 'gmail') === (resource === 'gmail')))
      return;
    await rt.clock.sleep(CATCH_UP_POLL_MS, rt.signal);
  }
}

async function verifyMailbox(
  rt: Runtime,
  deps: VerifyDeps,
  account: GoogleAccount,
  accountId: string,
  options: VerifyOptions,
  catchUp: () => Promise<void>,
): Promise<VerifyReport> {
  const mailbox: ComparedMailbox = {
    store: deps.store,
    account,
    accountId,
    policy: wholePolicy(deps.mirror),
    window: await deps.store.mirror.window(accountId),
  };
  const { checked, suspects } =
    options.sample === undefined
      ? await lookAtAll(mailbox, options)
      : await lookAtSample(rt, mailbox, options.sample);
  options.progress?.(checked);
  if (suspects.length > 0) await catchUp();
  // The window may have moved meanwhile: what a deepening has brought since is not to be judged by the old one.
  const { missing, extra, stale, unread } = await compareMessages(
    { ...mailbox, window: await deps.store.mirror.window(accountId) },
    suspects,
  );
  return {
    resource: 'gmail',
    checked,
    missing: missing.sort(),
    extra: extra.sort(),
    stale: stale.sort(),
    unread: unread.sort(),
  };
}

async function lookAtAll(mailbox: ComparedMailbox, { progress }: VerifyOptions): Promise<Looked> {
  const messages = await listKept(mailbox);
  const suspects: string[] = [];
  let compared = 0;
  for (const page of pagesOf(messages)) {
    suspects.push(...namesIn(await compareListed(mailbox, page)));
    progress?.((compared += page.reduce((sum, thread) => sum + thread.length, 0)));
  }
  const listed = new Set(messages.map(({ id }) => id));
  const unlisted: string[] = [];
  for await (const { id } of mailbox.store.mirror.labels(mailbox.accountId))
    if (!listed.has(id)) unlisted.push(id);
  // Rows of a slice that is just being deepened stand outside the list, and are none the worse for it.
  suspects.push(
    ...(mailbox.window.goalMs === null
      ? unlisted
      : namesIn(await compareMessages(mailbox, unlisted))),
  );
  return { checked: messages.length, suspects };
}

/** The messages by thread, some threads at a time: as many as make a page of messages, and one at least. A thread that is too long comes in single messages. */
function* pagesOf(messages: readonly ListedMessage[]): Generator<ListedMessage[][]> {
  let page: ListedMessage[][] = [];
  let size = 0;
  for (const group of groupsOf(messages)) {
    page.push(group);
    size += group.length;
    if (size < COMPARE_PAGE) continue;
    yield page;
    [page, size] = [[], 0];
  }
  if (page.length > 0) yield page;
}

function groupsOf(messages: readonly ListedMessage[]): ListedMessage[][] {
  const threads = new Map<string, ListedMessage[]>();
  for (const message of messages) {
    const thread = threads.get(message.threadId);
    if (thread) thread.push(message);
    else threads.set(message.threadId, [message]);
  }
  return [...threads.values()].flatMap((thread) =>
    thread.length > LONGEST_THREAD ? thread.map((message) => [message]) : [thread],
  );
}

async function lookAtSample(
  rt: Runtime,
  mailbox: ComparedMailbox,
  sample: number,
): Promise<Looked> {
  const { ids, suspects } = await compareListing(mailbox);
  const known = new Set(suspects);
  const sampled = await compareMessages(
    mailbox,
    sampleOf(ids, sample, () => rt.random.next()).filter((id) => !known.has(id)),
  );
  return { checked: ids.length, suspects: [...suspects, ...namesIn(sampled)] };
}

function namesIn({ missing, extra, stale, unread }: MailboxDrift): string[] {
  return [...missing, ...extra, ...stale, ...unread];
}

interface Looked {
  checked: number;
  /** Differs by the first look. */
  suspects: string[];
}

async function verifyCalendars(
  store: Store,
  account: GoogleAccount,
  accountId: string,
  { progress }: VerifyOptions,
  catchUp: () => Promise<void>,
): Promise<VerifyReport> {
  const report: VerifyReport = {
    resource: 'calendar',
    checked: 0,
    missing: [],
    extra: [],
    stale: [],
    unread: [],
  };
  const first = await compareEvents(store, account, accountId);
  report.checked = first.checked;
  progress?.(first.checked);
  if (first.differences.size + first.unread.size === 0) return report;
  await catchUp();
  const second = await compareEvents(store, account, accountId);
  for (const [key, kind] of second.differences)
    if (first.differences.get(key) === kind) report[kind].push(key);
  report.unread.push(...second.unread);
  return report;
}

type Difference = 'missing' | 'extra' | 'stale';

async function compareEvents(
  store: Store,
  account: GoogleAccount,
  accountId: string,
): Promise<{ checked: number; differences: Map<string, Difference>; unread: Set<string> }> {
  const { events: source, unread } = await readAllEvents(account);
  const checked = source.size;
  const differences = new Map<string, Difference>();
  for await (const { calendarId, event } of store.mirror.events(accountId)) {
    if (unread.has(calendarId)) continue;
    const key = `${calendarId}/${String(event['id'])}`;
    const there = source.get(key);
    if (there === undefined) differences.set(key, 'extra');
    else if (there !== fingerprint(event)) differences.set(key, 'stale');
    source.delete(key);
  }
  for (const key of source.keys()) differences.set(key, 'missing');
  return { checked, differences, unread };
}

/**
 * Every event of every calendar that the account lists, as fingerprints. A calendar whose id cannot
 * be stored is in quarantine, and no call can name it.
 */
async function readAllEvents(
  account: GoogleAccount,
): Promise<{ events: Map<string, string>; unread: Set<string> }> {
  const events = new Map<string, string>();
  const unread = new Set<string>();
  const calendars = (await readCalendars(account)).filter(({ id }) => isStorableId(id));
  for (const { id: calendarId } of calendars) {
    const read = await readEvents(account, calendarId).catch((error: unknown) => {
      if (!(error instanceof GoogleError) || isAccounts(error)) throw error;
      return null;
    });
    if (read === null) unread.add(calendarId);
    else for (const [id, event] of read) events.set(`${calendarId}/${id}`, event);
  }
  return { events, unread };
}

/** The events of one calendar that the mirror has rows for, as fingerprints by id. */
export async function readEvents(
  account: GoogleAccount,
  calendarId: string,
): Promise<Map<string, string>> {
  const events = new Map<string, { print: string; series: string | null }>();
  for (let pageToken: string | null = null; ;) {
    const page: Awaited<ReturnType<GoogleAccount['calendar']['events']>> =
      await account.calendar.events({ calendarId, syncToken: null, pageToken });
    for (const event of page.items)
      if (!isTombstone(event))
        events.set(must(event.id, 'an event without id'), {
          print: fingerprint(JSON.parse(cleanJson(event))),
          series: seriesOfCancelled(event),
        });
    pageToken = page.nextPageToken;
    if (pageToken !== null) continue;
    return new Map([...withoutOrphans(events)].map(([id, { print }]) => [id, print]));
  }
}

/** The entries of the calendar list that are not deleted. */
export async function readCalendars(
  account: GoogleAccount,
): Promise<(CalendarListEntry & { id: string })[]> {
  const entries: (CalendarListEntry & { id: string })[] = [];
  for (let pageToken: string | null = null; ;) {
    const page: Awaited<ReturnType<GoogleAccount['calendar']['calendars']>> =
      await account.calendar.calendars({ syncToken: null, pageToken });
    for (const entry of page.items)
      if (entry.id && !entry.deleted) entries.push({ ...entry, id: entry.id });
    pageToken = page.nextPageToken;
    if (pageToken === null) return entries;
  }
}

/** The same for the same fields: an event's JSON would be a kilobyte in memory, and this is 44 bytes. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('base64');
}

/** JSON with sorted keys: jsonb keeps another order than Google's. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
