import { GoogleError, type GmailMessage } from '@syncline/google';
import { describeError, unreachable } from '@syncline/runtime';
import type { MessageRow } from '@syncline/store';
import {
  HELD_RETRY_MS,
  MAX_TRIES,
  quarantineAllowance,
  outcomeOfFailure,
  type FailingItem,
  type FailureOutcome,
  type ItemFailure,
  type SetAside,
} from '../../item-failures.js';
import type { StepContext } from '../../step.js';
import { isAccountWideError } from '../../account-refusal.js';
import type { Answers } from './answers.js';
import { withBodies } from './bodies.js';
import { isKept } from './mirror-policy.js';
import { outcomesOfMissing, type MissingMessageOutcome } from './missing-messages.js';
import { parseMessage } from './parse.js';
import type { FetchPlan, PendingItem } from './plan.js';
import { floorMs } from './window.js';
import { findWitness, type Ability } from './witness.js';

/*
 * The result of each message of a page, one of these: stored, gone at the source, asked for again
 * later, quarantined with its reason, or left where it is because the account's quota or a
 * transient error of the collection stopped the page short.
 */
export interface PageResult {
  messages: MessageRow[];
  gone: string[];
  fetchLater: { id: string; delayMs: number }[];
  /** Items that could not be read while others could; they are tried again soon. */
  failing: FailingItem[];
  quarantined: SetAside[];
  /** Items that were tried before and are stored now. */
  taken: string[];
  /** Items that are stored although the cursor stops before them. */
  takenEarly: string[];
  /** Google finds so few of the stored messages that a listing has to decide about them. */
  needsListing: boolean;
  /** Ordinal of the first item that quota or a transient error left on the list. */
  stoppedBefore: bigint | null;
  stopError: GoogleError | null;
  /**
   * So many items would have been quarantined that the cause is unlikely to be the items: the
   * collection is parked.
   */
  tooMany: boolean;
}

export function emptyResult(): PageResult {
  return {
    messages: [],
    gone: [],
    fetchLater: [],
    failing: [],
    quarantined: [],
    taken: [],
    takenEarly: [],
    needsListing: false,
    stoppedBefore: null,
    stopError: null,
    tooMany: false,
  };
}

/** About a millisecond of parsing. */
const MESSAGES_A_PIECE = 4;

/**
 * @param isFullSync whether the messages are those that a full sync lists
 * @throws GoogleError when the page brought no result and its items are not the cause
 */
export async function resultOfPage(
  context: StepContext,
  plan: FetchPlan,
  answers: Answers,
  isFullSync: boolean,
): Promise<PageResult> {
  const result = emptyResult();
  const unreadable = await takeMessages(context, result, answers);
  const { outcomes, refusal } = await outcomesOf(context, plan, answers, unreadable, result);
  const stop = plan.items.find(({ id }) => isLeft(id, answers, outcomes));
  result.stoppedBefore = stop?.ordinal ?? null;
  result.stopError = refusal ?? (stop ? (answers.failed.get(stop.id) ?? null) : null);
  const passed = plan.items.filter(({ ordinal }) => !stop || ordinal < stop.ordinal);
  const missing = await outcomesOfMissing(context, plan, answers, isFullSync);
  for (const item of passed) {
    const absent = missing.get(item.id);
    if (absent) passMissing(result, item.id, absent);
    else passItem(result, item, answers, outcomes.get(item.id));
  }
  noteTakenEarly(result, answers, new Set(passed.map(({ id }) => id)));
  if (result.stopError && (refusal || !isAccountWideError(result.stopError)) && isEmpty(result))
    throw result.stopError;
  await holdIfTooMany(context, result);
  return result;
}

function noteTakenEarly(result: PageResult, answers: Answers, passed: ReadonlySet<string>): void {
  for (const { id } of result.messages) if (!passed.has(id)) result.takenEarly.push(id);
  for (const id of result.gone)
    if (!passed.has(id) && !answers.missing.has(id)) result.takenEarly.push(id);
}

function isLeft(
  id: string,
  answers: Answers,
  outcomes: ReadonlyMap<string, FailureOutcome>,
): boolean {
  const error = answers.failed.get(id);
  return (
    outcomes.get(id)?.kind === 'collection' || (error !== undefined && isAccountWideError(error))
  );
}

function isEmpty({ messages, gone, fetchLater, failing, quarantined }: PageResult): boolean {
  return [messages, gone, fetchLater, failing, quarantined].every(({ length }) => length === 0);
}

/**
 * Parses the messages into rows.
 * @returns the messages that cannot be parsed, each with the reason
 */
async function takeMessages(
  context: StepContext,
  result: PageResult,
  answers: Answers,
): Promise<Map<string, string>> {
  const unreadable = new Map<string, string>();
  for (const [i, message] of answers.messages.entries()) {
    if (i > 0 && i % MESSAGES_A_PIECE === 0) await context.rt.eventLoop.yieldToOthers();
    takeMessage(context, result, message, answers, unreadable);
  }
  return unreadable;
}

function takeMessage(
  context: StepContext,
  result: PageResult,
  message: GmailMessage,
  { sources }: Answers,
  unreadable: Map<string, string>,
): void {
  if (message.id && !isKept(context.mirror, floorMs(context.window), message))
    return void result.gone.push(message.id);
  try {
    result.messages.push(
      withBodies(parseMessage(message), context.mirror, sources.get(message.id ?? '') ?? null),
    );
  } catch (error) {
    context.rt.log.warn(
      { event: 'message_unreadable', collectionId: context.lease.collectionId, err: error },
      'a message could not be understood',
    );
    if (message.id) unreadable.set(message.id, `it cannot be read: ${describeError(error)}`);
  }
}

/** Adds the result of an item that the cursor passes. */
function passItem(
  result: PageResult,
  item: PendingItem,
  answers: Answers,
  outcome: FailureOutcome | undefined,
): void {
  if (outcome?.kind === 'retry' && answers.failedBy.get(item.id) === 'thread')
    result.fetchLater.push({ id: item.id, delayMs: 0 });
  else if (outcome?.kind === 'retry') result.failing.push(outcome);
  else if (outcome?.kind === 'quarantine') result.quarantined.push(outcome);
  else if (answers.unnamed.has(item.id)) result.fetchLater.push({ id: item.id, delayMs: 0 });
  else if (item.attempts > 1) result.taken.push(item.id);
}

/** Adds the result of an item that Google does not find and that the cursor passes. */
function passMissing(result: PageResult, id: string, outcome: MissingMessageOutcome): void {
  switch (outcome.kind) {
    case 'soon':
      result.fetchLater.push({ id, delayMs: outcome.delayMs });
      break;
    case 'gone':
      result.gone.push(id);
      break;
    case 'retry': {
      const { kind: _kind, needsListing, ...item } = outcome;
      result.failing.push(item);
      result.needsListing ||= needsListing;
      break;
    }
    default:
      unreachable(outcome);
  }
}

interface ItemOutcomes {
  /** The outcomes of the items that failed individually, by id. */
  outcomes: Map<string, FailureOutcome>;
  /** The error that ended the search for a witness: the grant is refused. */
  refusal: GoogleError | null;
}

/** Queries Postgres, and perhaps Google, only when items failed individually. */
async function outcomesOf(
  context: StepContext,
  plan: FetchPlan,
  answers: Answers,
  unreadable: ReadonlyMap<string, string>,
  result: PageResult,
): Promise<ItemOutcomes> {
  const failures = failuresOf(plan, answers, unreadable);
  if (failures.length === 0) return { outcomes: new Map(), refusal: null };
  const ids = failures.map(({ id }) => id);
  const known = await context.store.quarantine.failed(context.lease, ids);
  const left = leftAtTheEnd(plan.items, answers.failed, known);
  const mayAsk =
    known.size > 0 ||
    !failures.every(({ mayPass }) => mayPass) ||
    result.messages.length + result.gone.length > 0 ||
    context.lease.failures >= FAILURES_BEFORE_WITNESS;
  const worked = { ...answers.worked, parse: result.messages.length > 0 };
  const inQuestion = new Set(
    failures.flatMap(({ id, ability }) => (left.has(id) || worked[ability] ? [] : [ability])),
  );
  const refusal = mayAsk ? await askWitnesses(context, inQuestion, ids, worked) : null;
  const outcomes = new Map(
    failures.map(({ id, reason, cause, ability }) => {
      const isWitnessed = !left.has(id) && worked[ability];
      return [id, outcomeOfFailure({ id, reason, cause, isWitnessed }, known.get(id))];
    }),
  );
  return { outcomes, refusal };
}

/**
 * Records in `worked` which abilities have a witness. The page's results are stored even if the
 * grant is refused meanwhile, so that refusal is returned instead of thrown.
 */
async function askWitnesses(
  context: StepContext,
  abilities: ReadonlySet<Ability>,
  except: readonly string[],
  worked: Record<Ability, boolean>,
): Promise<GoogleError | null> {
  try {
    for (const ability of abilities) worked[ability] = await witnessOf(context, ability, except);
    return null;
  } catch (error) {
    if (error instanceof GoogleError) return error;
    throw error;
  }
}

/**
 * A page without results counts as an outage at first; Google is asked for another message only
 * after this many failures in a row.
 */
const FAILURES_BEFORE_WITNESS = 2;

function witnessOf(
  { store, google, lease }: StepContext,
  ability: Ability,
  except: readonly string[],
): Promise<boolean> {
  return findWitness({ store, gmail: google.gmail, accountId: lease.accountId }, ability, except);
}

interface Failure extends Omit<ItemFailure, 'isWitnessed'> {
  ability: Ability;
  mayPass: boolean;
}

/**
 * Returns the failures of the page's items, up to the first item that the account's quota or grant
 * has stopped.
 */
function failuresOf(
  { items }: FetchPlan,
  { failed, failedBy }: Answers,
  unreadable: ReadonlyMap<string, string>,
): Failure[] {
  const failures: Failure[] = [];
  for (const { id } of items) {
    const error = failed.get(id);
    const reason = unreadable.get(id);
    if (error && isAccountWideError(error)) break;
    if (error)
      failures.push({
        id,
        reason: error.message,
        cause: 'not-read',
        ability: failedBy.get(id) ?? 'message',
        mayPass: isTransient(error),
      });
    else if (reason !== undefined)
      failures.push({ id, reason, cause: 'not-understood', ability: 'parse', mayPass: false });
  }
  return failures;
}

/**
 * Returns the items at the end of the page that met a transient error for the first time after
 * other items were read: an outage has probably begun. They stay in place, since at the end of a
 * long list they would wait for hours.
 */
function leftAtTheEnd(
  items: readonly PendingItem[],
  failed: ReadonlyMap<string, GoogleError>,
  known: ReadonlyMap<string, unknown>,
): Set<string> {
  const left = new Set<string>();
  for (const { id } of items.toReversed()) {
    const error = failed.get(id);
    if (!error || !isTransient(error) || known.has(id)) return left;
    left.add(id);
  }
  return new Set();
}

function isTransient({ detail }: GoogleError): boolean {
  return detail.kind === 'unavailable';
}

/**
 * Keeps items failing and parks the collection when more of them would be quarantined than an hour
 * allows.
 */
async function holdIfTooMany({ store, lease, rt }: StepContext, result: PageResult): Promise<void> {
  if (result.quarantined.length === 0) return;
  const lately = await store.quarantine.quarantinedLately(lease);
  result.tooMany = lately.items + result.quarantined.length > quarantineAllowance(lately);
  rt.log.warn(
    {
      event: result.tooMany ? 'quarantine_refused' : 'items_quarantined',
      collectionId: lease.collectionId,
      items: result.quarantined.length,
      reasons: [...new Set(result.quarantined.map(({ reason }) => reason))],
    },
    result.tooMany
      ? 'so many items could not be read within an hour that it is not the items'
      : 'items that could not be read were quarantined',
  );
  if (!result.tooMany) return;
  result.failing.push(
    ...result.quarantined.map(({ id, reason }) => ({
      id,
      reason,
      tries: MAX_TRIES,
      retryInMs: HELD_RETRY_MS,
    })),
  );
  result.quarantined = [];
}
