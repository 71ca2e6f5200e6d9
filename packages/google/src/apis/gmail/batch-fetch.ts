/**
 * Fetches many items of one kind through the batch endpoint. One batch is in flight at a time,
 * parts that failed for a transient reason are requested again alone, and every part that was paid
 * for is used.
 *
 * An error concerns one of three things. The item: it is in `missing` or `failed`. The account
 * (quota, a dead grant, batches that are forbidden as a whole): requests stop, and the items not
 * yet requested are `failed` with that reason. The network: the batch is requested again, and after
 * three failures in a row requests stop. Only when requests stopped before anything was fetched is
 * the reason thrown instead.
 */
import { unreachable } from '@syncline/runtime';
import { REFUSAL_LIMIT_BYTES } from '../../answer-limits.js';
import { type BatchPart, encodeBatch, parseBatch } from '../../batch.js';
import { classify, isAccountWideRefusal } from '../../classify.js';
import { AnswerRefused, GoogleError, MalformedAnswer, unavailable } from '../../errors.js';
import type { GmailMethod } from './methods.js';
import {
  type Sent,
  type Session,
  noteRefusal,
  request,
  requireRefusedGrant,
} from '../../request.js';
import { type ItemRefusals, isThrottled, openItemRefusals } from '../../item-refusals.js';
import { type JsonObject, isIdentified, parseObject } from '../../shape.js';

/** What is requested: one call per part. */
export interface Kind<T> {
  method: GmailMethod;
  pathOf(id: string): string;
  /**
   * Converts the part's body; null for a body that is cut off or belongs to another item, which is
   * requested again.
   */
  read(body: JsonObject & { id: string }): T | null;
  /** The approximate size of the answer for an id, in the kind's own unit. */
  weightOf(id: string): number;
  /** The largest weight of one batch, unless a single part weighs more. */
  batchWeight: number;
}

export interface Fetched<T> {
  found: T[];
  /** Ids that Google answered 404 for. */
  missing: string[];
  failed: { id: string; error: GoogleError }[];
}

const BATCH_PATH = '/batch/gmail/v1';
const OUTER_FAILURES_LIMIT = 3;
/**
 * Consecutive forbidden batches after which the refusal counts as the account's. A single batch may
 * contain only items that are permanently forbidden (got-your-back #116).
 */
const FORBIDDEN_BATCHES_LIMIT = 2;
/** Parsing this many parts takes about a millisecond with ordinary mail. */
const PARTS_PER_YIELD = 8;

interface Fetch<T = unknown> {
  session: Session;
  kind: Kind<T>;
  found: T[];
  missing: string[];
  errors: Map<string, GoogleError>;
  itemRefusals: ItemRefusals;
  /** Why requests stopped. */
  stop: GoogleError | null;
  outerFailures: number;
  /** Consecutive batches in which every part failed and one was forbidden. */
  forbiddenBatches: number;
  /**
   * Parts per batch in the next round. It is reduced because one part may make a whole batch fail.
   */
  atMost: number;
  refreshed: boolean;
  /** The mailbox answered with the fresh token, so a 401 concerns only its part. */
  grantIsGood: boolean;
}

/**
 * The order of the result is Google's.
 * @throws GoogleError when requests stopped before anything was fetched
 */
export async function fetchByBatch<T>(
  session: Session,
  kind: Kind<T>,
  ids: string[],
): Promise<Fetched<T>> {
  const fetch: Fetch<T> = {
    session,
    kind,
    found: [],
    missing: [],
    errors: new Map(),
    itemRefusals: openItemRefusals(),
    stop: null,
    outerFailures: 0,
    forbiddenBatches: 0,
    atMost: Infinity,
    refreshed: false,
    grantIsGood: false,
  };
  let needed = await requestAll(fetch, [...new Set(ids)]);
  for (const backoffMs of session.partBackoffMs) {
    if (needed.length === 0 || fetch.stop) break;
    await session.rt.clock.sleep(
      backoffMs * (0.5 + session.rt.random.next() / 2),
      session.options.signal,
    );
    needed = await requestAll(fetch, needed);
  }
  if (fetch.stop && fetch.found.length + fetch.missing.length === 0) throw fetch.stop;
  const failed = [...fetch.errors].map(([id, error]) => ({ id, error }));
  return { found: fetch.found, missing: fetch.missing, failed };
}

/** Requests each of `ids` once, in batches, and returns those to request again. */
async function requestAll(fetch: Fetch, ids: string[]): Promise<string[]> {
  const toRetry: string[] = [];
  const size = fetch.atMost;
  let next = 0;
  while (next < ids.length && !fetch.stop) {
    const most = maxPartsOf(fetch.session);
    const batch = takeWithinWeight(fetch.kind, ids.slice(next, next + Math.min(size, most)));
    const fitting = batch.slice(0, fetch.itemRefusals.countFitting(batch, most));
    next += await requestBatch(fetch, fitting, toRetry);
  }
  const { stop } = fetch;
  if (stop) for (const id of ids.slice(next)) fetch.errors.set(id, stop);
  return toRetry;
}

function maxPartsOf({ batchSizes, accountId, options }: Session): number {
  return Math.min(options.maxParts ?? Infinity, batchSizes.of(accountId));
}

function takeWithinWeight(kind: Kind<unknown>, ids: string[]): string[] {
  let weight = 0;
  const tooMany = ids.findIndex(
    (id, i) => (weight += kind.weightOf(id)) > kind.batchWeight && i > 0,
  );
  return tooMany === -1 ? ids : ids.slice(0, tooMany);
}

/** Returns how many of `ids`, counted from the first, were handled. */
async function requestBatch(fetch: Fetch, ids: string[], toRetry: string[]): Promise<number> {
  const { session } = fetch;
  const parts = [...ids, ...fetch.itemRefusals.controlsFor(ids, maxPartsOf(session))];
  const boundary = `batch_${session.rt.random.uuid()}`;
  const compose = (granted: number) => {
    const body = encodeBatch(
      boundary,
      parts.slice(0, granted).map((id, i) => ({ id: `item-${i}`, path: fetch.kind.pathOf(id) })),
    );
    return {
      verb: 'POST' as const,
      path: BATCH_PATH,
      contentType: `multipart/mixed; boundary=${boundary}`,
      body,
    };
  };
  try {
    const sent = await request(session, {
      method: fetch.kind.method,
      items: parts.length,
      compose,
    });
    const answers = parseBatch(sent.answer.contentType, sent.answer.body);
    fetch.outerFailures = 0;
    await takeParts(fetch, ids.slice(0, sent.granted), sent, answers, toRetry);
    return Math.min(sent.granted, ids.length);
  } catch (error) {
    const failure =
      error instanceof MalformedAnswer ? unavailable(fetch.kind.method, error) : error;
    if (!(failure instanceof GoogleError)) throw failure;
    fetch.outerFailures += 1;
    if (failure.detail.kind !== 'unavailable' || fetch.outerFailures >= OUTER_FAILURES_LIMIT) {
      fetch.stop = failure;
      return 0;
    }
    fetch.atMost = Math.max(1, Math.floor(ids.length / 4));
    for (const id of ids) scheduleRetry(fetch, id, failure, toRetry);
    return ids.length;
  }
}

async function takeParts(
  fetch: Fetch,
  ids: string[],
  sent: Sent,
  parts: BatchPart[],
  toRetry: string[],
): Promise<void> {
  const { session } = fetch;
  const failures = await fileParts(fetch, ids, parts, sent.answer.body);
  const throttled = judgeThrottling(fetch, ids, parts, failures);
  const isCrowding = throttled || fetch.itemRefusals.hasSeveral();
  if (isCrowding && failures.some(({ error }) => isConcurrencyRefusal(error)))
    session.batchSizes.refused(session.accountId);
  else session.batchSizes.accepted(session.accountId, ids.length);
  // Google may return 401 in the parts instead of for the whole request. As there, the token is
  // refreshed once.
  const renew =
    !fetch.refreshed && failures.some(({ error }) => error.detail.kind === 'unauthorized');
  if (renew) await session.tokens.forget(session.accountId, sent.token);
  fetch.refreshed ||= renew;
  for (const { id, error } of failures) {
    session.rt.metrics.googleRequests.inc({
      api: 'gmail',
      method: fetch.kind.method,
      code: 'part',
      reason: error.detail.kind,
    });
    if (renew && error.detail.kind === 'unauthorized') scheduleRetry(fetch, id, error, toRetry);
    else if (isThrottled(error) && !throttled) acceptItemRefusal(fetch, id, error, toRetry);
    else await acceptFailure(fetch, id, error, toRetry);
  }
  countForbiddenBatch(fetch, ids, failures);
}

/** @returns whether Google throttles the account, rather than refusing single items for quota */
function judgeThrottling(
  fetch: Fetch,
  ids: string[],
  parts: BatchPart[],
  failures: readonly PartFailure[],
): boolean {
  const refused = failures.filter(({ error }) => isThrottled(error)).map(({ id }) => id);
  const failed = new Set(failures.map(({ id }) => id));
  const itemParts = new Set(ids.map((_, i) => `item-${i}`));
  const controls = parts.filter(({ id }) => !itemParts.has(id));
  return fetch.itemRefusals.record({
    refused,
    passed: ids.filter((id) => !failed.has(id)),
    passedControls: controls.filter(({ status }) => status === 404).length,
    isControlRefused: controls.some(({ status }) => status === 429 || status === 403),
  });
}

/** Requests the item again together with controls, until it is known to fail by itself. */
function acceptItemRefusal(fetch: Fetch, id: string, error: GoogleError, toRetry: string[]): void {
  if (!fetch.itemRefusals.failsByItself(id)) return scheduleRetry(fetch, id, error, toRetry);
  const reason = 'quota-of-one-item';
  fetch.errors.set(id, new GoogleError(fetch.kind.method, { kind: 'forbidden', reason }));
}

interface PartFailure {
  id: string;
  error: GoogleError;
}

/** @returns the failed parts; an item without a part counts as failed */
async function fileParts(
  fetch: Fetch,
  ids: string[],
  parts: BatchPart[],
  body: Buffer,
): Promise<PartFailure[]> {
  const byId = new Map(parts.map((part) => [part.id, part]));
  const failures: PartFailure[] = [];
  for (const [i, id] of ids.entries()) {
    if (i > 0 && i % PARTS_PER_YIELD === 0) await fetch.session.rt.eventLoop.yieldToOthers();
    const part = byId.get(`item-${i}`);
    const error = part ? takePart(fetch, id, part, body) : unavailable(fetch.kind.method);
    if (error) failures.push({ id, error });
  }
  return failures;
}

/**
 * A part that is forbidden while others succeed concerns only its item. When no part succeeds, the
 * refusal may be the account's.
 */
function countForbiddenBatch(fetch: Fetch, ids: string[], failures: readonly PartFailure[]): void {
  const refusal = failures.find(({ error }) => error.detail.kind === 'forbidden')?.error;
  if (!refusal || failures.length < ids.length) {
    fetch.forbiddenBatches = 0;
    return;
  }
  fetch.forbiddenBatches += 1;
  if (isAccountWideRefusal(refusal.detail) || fetch.forbiddenBatches >= FORBIDDEN_BATCHES_LIMIT)
    fetch.stop ??= refusal;
}

function isConcurrencyRefusal({ detail }: GoogleError): boolean {
  return detail.kind === 'rate-limited' && detail.scope === 'concurrency';
}

/** Stores the result of a part. Returns null on success. */
function takePart(fetch: Fetch, id: string, part: BatchPart, body: Buffer): GoogleError | null {
  if (part.status === 200) {
    const one = readPart(fetch.kind, id, part, body);
    if (one === null || one instanceof GoogleError) return one ?? unavailable(fetch.kind.method);
    fetch.found.push(one);
    fetch.errors.delete(id);
    return null;
  }
  if (part.end - part.start > REFUSAL_LIMIT_BYTES)
    return unavailable(
      fetch.kind.method,
      new AnswerRefused('a refusal is longer than any of Google'),
    );
  const detail = classify(
    fetch.kind.method,
    part.status,
    body.toString('utf8', part.start, part.end),
    fetch.session.rt.clock.nowMs(),
  );
  if (detail.kind !== 'not-found') return new GoogleError(fetch.kind.method, detail);
  fetch.missing.push(id);
  fetch.errors.delete(id);
  return null;
}

/**
 * Returns null for a body of another item, and an error for one that is cut off or exceeds the
 * limits. All of them are requested again.
 */
function readPart<T>(
  kind: Kind<T>,
  id: string,
  part: BatchPart,
  body: Buffer,
): T | GoogleError | null {
  try {
    const one = parseObject(body, part.start, part.end);
    return isIdentified(one) && one.id === id ? kind.read(one) : null;
  } catch (error) {
    if (error instanceof MalformedAnswer) return unavailable(kind.method, error);
    throw error;
  }
}

async function acceptFailure(
  fetch: Fetch,
  id: string,
  error: GoogleError,
  toRetry: string[],
): Promise<void> {
  const { detail } = error;
  switch (detail.kind) {
    case 'unavailable':
      return scheduleRetry(fetch, id, error, toRetry);
    case 'rate-limited':
      if (isConcurrencyRefusal(error)) return scheduleRetry(fetch, id, error, toRetry);
      if (!fetch.stop) await noteRefusal(fetch.session, fetch.kind.method, detail);
      return stopRequests(fetch, id, error);
    case 'key-missing':
      return stopRequests(fetch, id, error);
    case 'unauthorized':
      return acceptUnauthorized(fetch, id, error);
    case 'forbidden':
    case 'rejected':
    case 'sync-position-expired':
    case 'not-found':
    case 'endless-listing':
      // The error concerns this item only and does not stop the others.
      fetch.errors.set(id, error);
      return;
    default:
      return unreachable(detail);
  }
}

/**
 * Handles a part that is refused with a fresh token as well. The mailbox itself is asked (1 unit)
 * before the whole account counts as refused, because that stops all its syncs until a person acts.
 */
async function acceptUnauthorized(fetch: Fetch, id: string, error: GoogleError): Promise<void> {
  const { session, kind } = fetch;
  if (fetch.stop) return stopRequests(fetch, id, error);
  if (!fetch.grantIsGood) {
    const refusal = await requireRefusedGrant(session, kind.method).catch((failure: unknown) => {
      if (failure instanceof GoogleError) return failure;
      throw failure;
    });
    if (refusal?.detail.kind !== 'forbidden') return stopRequests(fetch, id, refusal ?? error);
    fetch.grantIsGood = true;
  }
  fetch.errors.set(id, new GoogleError(kind.method, { kind: 'forbidden', reason: 'authError' }));
}

function scheduleRetry(fetch: Fetch, id: string, error: GoogleError, toRetry: string[]): void {
  fetch.errors.set(id, error);
  toRetry.push(id);
}

/** Stops all requests of the account. The first reason is kept. */
function stopRequests(fetch: Fetch, id: string, error: GoogleError): void {
  fetch.errors.set(id, error);
  fetch.stop ??= error;
}
