import type { GmailLabel } from '@syncline/google';
import { storable, type Store } from '@syncline/store';
import type { Cursor } from '../../cursor.js';
import { type GmailIncremental, parseGmailCursor } from './cursor.js';
import { reportDrift, type AuditContext, type AuditEnd } from '../../audit-slice.js';
import { isNoSuchList } from './list-page.js';
import { meaningOfHistory } from './history-meaning.js';
import { excludedLabels } from '../../mirror-policy.js';
import { searchFor, termsOf } from './mirror-policy.js';
import { floorMs } from './window.js';
import { MAX_RESTARTS } from '../../step.js';
import { COMPARE_PAGE, compareMessages } from './compare.js';

/*
 * The audit of a mailbox, in slices. The list of all messages and then the list of every label is
 * recorded, one list at a time, and compared with the rows; messages that differ are suspects. Then
 * the content of the suspects is compared, and that of a small random sample. A suspect that really
 * differs, although history since the sync position does not name it, is drift.
 *
 * Only the mailbox's window is listed. Which messages are excluded is determined by the lists of
 * the excluded labels, which come last: a message that they name is cleared of suspicion if it is
 * not stored, and suspected if it is. The full sync's own search is not used, so that an error of
 * Google in one of them shows in the other.
 */

type CompleteList = NonNullable<Parameters<Store['audit']['note']>[1]['complete']>;

/** Where the audit continues; the store treats it as opaque. */
type AuditPosition = {
  /**
   * The full sync whose rows are audited. A new full sync repairs everything, so earlier findings
   * are discarded.
   */
  generation: number;
  /** The policy and the window of the comparison; when either changes, the audit begins again. */
  exclude: readonly string[];
  fromMs: number;
  /**
   * Counts so far: listed messages that are or should be stored, contents compared, and items that
   * differed.
   */
  checked: number;
  contents: number;
  drift: number;
} & AuditStep;

type AuditStep =
  /**
   * Reads the list of all messages (label ''), or of one label; the sample is drawn from the first.
   */
  | { step: 'list'; label: string; pageToken: string | null; restarts: number; sample: string[] }
  | { step: 'compare' };

type SoFar = Pick<
  AuditPosition,
  'generation' | 'exclude' | 'fromMs' | 'checked' | 'contents' | 'drift'
>;
type Listing = Extract<AuditPosition, { step: 'list' }>;
type Comparing = Extract<AuditPosition, { step: 'compare' }>;

/** Number of messages whose content is compared without suspicion. */
const SAMPLE = 20;

/** Units of one call; the price of a content comparison depends on the project's tier. */
const LIST_UNITS = 5;
const LABELS_UNITS = 1;
const HISTORY_UNITS = 2;

const SPENT: AuditEnd = { kind: 'unfinished', why: 'budget spent' };

/** Continues the audit in progress, or begins one. */
export async function auditMailbox(context: AuditContext, cursor: Cursor): Promise<AuditEnd> {
  const mailbox = parseGmailCursor(cursor);
  if (mailbox.phase !== 'incremental') return { kind: 'unfinished', why: 'changed meanwhile' };
  if (!context.budget.take(LABELS_UNITS)) return SPENT;
  // A label whose id cannot be stored is on no row.
  const labels = (await context.account.gmail.labels()).filter((label) =>
    storable.isId(idOf(label)),
  );
  for (let position = await begin(context); ;) {
    const next =
      position.step === 'list'
        ? await listStep(context, position, labels)
        : await compareStep(context, position, mailbox);
    if ('kind' in next) return next;
    position = next;
  }
}

async function begin({ store, lease, policy }: AuditContext): Promise<AuditPosition> {
  const known = (await store.audit.position(lease)) as AuditPosition | null;
  const under = {
    generation: lease.generation,
    exclude: excludedLabels(policy),
    fromMs: lease.window.fromMs,
  };
  if (
    known &&
    known.generation === under.generation &&
    known.fromMs === under.fromMs &&
    known.exclude.join() === under.exclude.join()
  )
    return known;
  await store.audit.abandon(lease);
  return {
    ...under,
    checked: 0,
    contents: 0,
    drift: 0,
    step: 'list',
    label: '',
    pageToken: null,
    restarts: 0,
    sample: [],
  };
}

/** Reads one page of one list. */
async function listStep(
  context: AuditContext,
  position: Listing,
  labels: readonly GmailLabel[],
): Promise<AuditPosition | AuditEnd> {
  const { store, lease, budget } = context;
  if (!budget.take(LIST_UNITS)) return SPENT;
  const page = await pageOf(context, position, labels);
  if (page === null) {
    const again = {
      ...position,
      pageToken: null,
      restarts: position.restarts + 1,
      ...(position.label === '' ? { checked: 0, sample: [] } : {}),
    };
    await store.audit.note(lease, {
      position: again,
      checked: again.checked,
      drift: again.drift,
      restarts: true,
    });
    return again;
  }
  const listed: Listing = {
    ...position,
    pageToken: page.nextPageToken,
    ...(position.label === '' ? await counted(context, position, page.ids) : {}),
  };
  const next = page.nextPageToken === null ? afterList(listed, labels) : listed;
  await store.audit.note(lease, {
    position: next,
    checked: next.checked,
    drift: next.drift,
    listed: page.ids,
    ...(page.nextPageToken === null ? { complete: completeList(context, position, labels) } : {}),
    ...(next.step === 'compare' ? { sample: listed.sample } : {}),
  });
  return next;
}

/**
 * Counts and samples the stored messages of a page. Of the others, excluded ones are out of scope,
 * and missing ones are counted after their comparison.
 */
async function counted(
  { store, lease, rt }: AuditContext,
  { checked, sample }: Listing,
  ids: readonly string[],
): Promise<Pick<Listing, 'checked' | 'sample'>> {
  const { messages: stored } = await store.mirror.knownMessages(lease.accountId, ids, []);
  const candidates = ids.filter((id) => stored.has(id));
  return {
    checked: checked + candidates.length,
    sample: sampled(sample, checked, candidates, () => rt.random.next()),
  };
}

function completeList(
  { lease }: AuditContext,
  { label, exclude, fromMs }: Listing,
  labels: readonly GmailLabel[],
): CompleteList {
  return {
    labelId: label,
    excluded: exclude.includes(label),
    catalogue: labels.map(idOf),
    fromMs,
    floorMs: floorMs(lease.window),
  };
}

/**
 * Reads one page of a list. Returns null when Google no longer accepts the page token. A label that
 * was deleted meanwhile has no messages.
 */
async function pageOf(
  { account, lease }: AuditContext,
  { label, pageToken, restarts }: Listing,
  labels: readonly GmailLabel[],
): Promise<{ ids: string[]; nextPageToken: string | null } | null> {
  try {
    const page = await account.gmail.listMessages({
      pageToken,
      ...searchFor(termsOf(lease.window)),
      ...(label === '' ? {} : { labelId: label }),
    });
    return { ids: page.ids.map(({ id }) => id), nextPageToken: page.nextPageToken };
  } catch (error) {
    if (!isNoSuchList(error)) throw error;
    if (pageToken !== null && restarts < MAX_RESTARTS) return null;
    if (label === '' || labels.some((one) => one.id === label)) throw error;
    return { ids: [], nextPageToken: null };
  }
}

/**
 * Returns the list of the next label by id, with excluded labels last; after the last one the
 * comparison.
 */
function afterList(position: Listing, labels: readonly GmailLabel[]): AuditPosition {
  const { generation, exclude, fromMs, checked, contents, drift, label, sample } = position;
  const soFar: SoFar = { generation, exclude, fromMs, checked, contents, drift };
  const place = (id: string): string => `${exclude.includes(id) ? 1 : 0}${id}`;
  const next = labels
    .map(idOf)
    .filter((id) => place(id) > place(label))
    .sort((a, b) => (place(a) < place(b) ? -1 : 1))[0];
  return next === undefined
    ? { ...soFar, step: 'compare' }
    : { ...soFar, step: 'list', label: next, pageToken: null, restarts: 0, sample };
}

function idOf(label: GmailLabel): string {
  return label.id ?? '';
}

/**
 * Draws a uniform sample of ids that arrive page by page (Vitter's algorithm R).
 * @param seen number of ids before this page
 */
export function sampled(
  sample: readonly string[],
  seen: number,
  ids: readonly string[],
  chance: () => number,
): string[] {
  const kept = [...sample];
  ids.forEach((id, i) => {
    const place = kept.length < SAMPLE ? kept.length : Math.floor(chance() * (seen + i + 1));
    if (place < SAMPLE) kept[place] = id;
  });
  return kept;
}

/** Compares the content of the next suspects. */
async function compareStep(
  context: AuditContext,
  position: Comparing,
  mailbox: GmailIncremental,
): Promise<AuditPosition | AuditEnd> {
  const { store, lease, account, budget, policy } = context;
  const suspects = await store.audit.suspects(lease, COMPARE_PAGE);
  const { checked, contents, drift } = position;
  if (suspects.length === 0) return { kind: 'whole', checked, contents, drift };
  if (!budget.take(HISTORY_UNITS)) return SPENT;
  const compared = suspects.slice(
    0,
    budget.takeSome(suspects.length, account.gmail.prices.message),
  );
  if (compared.length === 0) return SPENT;
  const excused = new Set(
    (await store.quarantine.list([lease.accountId])).map(({ itemId }) => itemId),
  );
  const found = await compareMessages(
    { store, account, accountId: lease.accountId, policy, window: lease.window },
    compared.filter((id) => !excused.has(id)),
  );
  const differ = [...found.missing, ...found.extra, ...found.stale];
  const changed = differ.length === 0 ? new Set<string>() : await changedSince(context, mailbox);
  if (changed === null) return { kind: 'unfinished', why: 'changed meanwhile' };
  const drifted = differ.filter((id) => !changed.has(id));
  reportDrift(context, drifted.length);
  if (drifted.length > 0) await store.quarantine.wantMessages(lease.accountId, drifted);
  const next: Comparing = {
    ...position,
    checked: checked + found.missing.length,
    contents: contents + compared.length,
    drift: drift + drifted.length,
  };
  await store.audit.note(lease, {
    position: next,
    checked: next.checked,
    drift: next.drift,
    compared,
  });
  return next;
}

/**
 * Returns the messages that history names since the sync position; the next incremental sync
 * applies those changes. Null when they fill more than a page: then nothing can be decided now.
 */
async function changedSince(
  { account }: AuditContext,
  mailbox: GmailIncremental,
): Promise<Set<string> | null> {
  const since = await account.gmail.history({
    startHistoryId: BigInt(mailbox.after),
    pageToken: null,
  });
  if (since.nextPageToken !== null) return null;
  const { added, refetch, deleted, labelChanges } = meaningOfHistory(since.records);
  return new Set([...added, ...refetch, ...deleted, ...labelChanges.map(({ id }) => id)]);
}
