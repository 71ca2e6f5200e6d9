/**
 * Sends every call to Google: token, quota, send, read the whole answer, classify, and after a 401
 * repeat once with a fresh token.
 *
 * The token is obtained before the quota is charged, although the quota may refuse. A refresh takes
 * seconds, and a charge must be followed by its call at once, or the ledger's window and Google's
 * differ. There are no retries here: a retry is charged like any call, and the sync engine, which
 * knows what else is waiting, decides on it.
 */
import type { Runtime } from '@syncline/runtime';
import type { BatchSizes } from './batch-size.js';
import { classify } from './classify.js';
import { API_NAMES, APIS } from './apis/facts.js';
import { type Method, type Tier, apiOf, unitsOf } from './costs.js';
import { GoogleError, type GoogleErrorKind, MalformedAnswer, unavailable } from './errors.js';
import type { Origins } from './origins.js';
import type { Lane, Quota, Receipt } from './quota.js';
import { ON_THE_WAY_MS } from './quota-scripts.js';
import { type JsonObject, parseObject } from './shape.js';
import { UNUSABLE_CREDENTIALS } from './stored-grant.js';
import type { Tokens } from './tokens.js';
import type { Answer, Transport } from './transport.js';

export interface CallOptions {
  lane: Lane;
  /**
   * The Google project of the account: its client refreshes the token, and its quota is charged.
   * Default `default`.
   */
  project?: string | undefined;
  /**
   * Version of the account's grant; access tokens of an earlier version are not used. Default: any.
   */
  grantVersion?: number;
  signal?: AbortSignal;
  /**
   * The user that the quota is charged to: the Google identity. Default: the account itself, while
   * its identity is not known.
   */
  quotaUser?: string;
  /** Whether several accounts are that user. */
  shared?: boolean;
  /**
   * The largest number of parts in a batch, for calls beside the mailbox's own run, which has a
   * full batch in flight. Default: as many as the mailbox accepts.
   */
  maxParts?: number;
  /**
   * A longer wait for quota is thrown as `rate-limited`, so that a worker slot does not sleep.
   * Default 250.
   */
  maxQuotaWaitMs?: number;
}

/** Units charged for a method. */
export interface Spent {
  method: string;
  calls: number;
  units: number;
}

/** The calls of one account, with everything that they need. */
export interface Session {
  rt: Runtime;
  quota: Quota;
  tokens: Pick<Tokens, 'access' | 'forget' | 'owner'>;
  transport: Transport;
  batchSizes: BatchSizes;
  /** `GoogleOptions.partBackoffMs` */
  partBackoffMs: readonly number[];
  origins: Origins;
  tier: Tier;
  /** The account's project is not configured. */
  unknown: boolean;
  accountId: string;
  options: CallOptions;
  spent: Map<string, Spent>;
}

export interface Call {
  method: Method;
  /**
   * Number of calls of `method` in this request if the quota allows; a batch's parts. Default 1.
   */
  items?: number;
  /** Builds the request for the granted number of items. */
  compose(granted: number): {
    verb: 'GET' | 'POST';
    path: string;
    contentType?: string;
    body?: string;
  };
  /** Whether a sync token is sent. It changes the meaning of a 400. */
  syncToken?: boolean;
}

const MAX_QUOTA_WAIT_MS = 250;
const REFUSED_GRANT_CLOSED_MS = 10_000;

export interface Sent {
  answer: Answer;
  /** Number of items that the quota granted and the request contained. */
  granted: number;
  /** The access token that was used. */
  token: string;
}

/**
 * Sends `call` and returns Google's 2xx answer.
 * @throws GoogleError for every other outcome; `options.signal`'s reason when the caller aborted
 */
export async function request(session: Session, call: Call): Promise<Sent> {
  try {
    const first = await attempt(session, call);
    if (first.answer.status !== 401) return await checkedResponse(session, call, first);
    await session.tokens.forget(session.accountId, first.token);
    const second = await attempt(session, call);
    if (second.answer.status === 401 && !isAboutPush(second.answer))
      await requireRefusedGrant(session, call.method);
    return await checkedResponse(session, call, second);
  } catch (error) {
    if (
      error instanceof GoogleError &&
      error.detail.kind === 'unauthorized' &&
      !UNUSABLE_CREDENTIALS.has(error.detail.reason)
    )
      await stopCallsOf(session.quota, quotaUserOf(session));
    throw error;
  }
}

/**
 * A call that is refused with a fresh token as well may be refused because of its content. So
 * another call to the same API is made before the whole account counts as refused, because that
 * stops all its syncs until a person acts.
 * @throws GoogleError `forbidden` when the other call succeeds, and that call's error when it is
 * not conclusive
 */
export async function requireRefusedGrant(session: Session, method: Method): Promise<void> {
  const { witness } = APIS[apiOf(method)];
  if (witness.method === method) return;
  try {
    await requestJson(session, witness, () => null);
  } catch (error) {
    if (error instanceof GoogleError && error.detail.kind === 'unauthorized') return;
    throw error;
  }
  throw new GoogleError(method, { kind: 'forbidden', reason: 'authError' });
}

/** Calendar answers 401 for an address that it does not push to. */
function isAboutPush({ body }: Answer): boolean {
  return body.includes('"push.');
}

/** Like `request`, for an answer that is one JSON object; `read` checks and converts it. */
export async function requestJson<T>(
  session: Session,
  call: Omit<Call, 'compose' | 'items'> & { path: string },
  read: (body: JsonObject) => T,
): Promise<T> {
  const { answer } = await request(session, {
    ...call,
    compose: () => ({ verb: 'GET', path: call.path }),
  });
  return readAnswer(call.method, answer, read);
}

/** Returns null when Google does not have the requested object (404 or 410). */
export function orNull<T>(asking: Promise<T>): Promise<T | null> {
  return asking.catch((error: unknown) => {
    if (!(error instanceof GoogleError)) throw error;
    const { detail } = error;
    if (detail.kind === 'not-found' || (detail.kind === 'rejected' && detail.status === 410))
      return null;
    throw error;
  });
}

/**
 * A call with a JSON `body`. The answer is read only when `read` is given; calls that stop a watch
 * or channel return none.
 */
export async function postJson<T>(
  session: Session,
  { method, path, body }: { method: Method; path: string; body: object },
  read: (body: JsonObject) => T,
): Promise<T>;
export async function postJson(
  session: Session,
  call: { method: Method; path: string; body: object },
): Promise<void>;
export async function postJson<T>(
  session: Session,
  { method, path, body }: { method: Method; path: string; body: object },
  read?: (body: JsonObject) => T,
): Promise<T | void> {
  const { answer } = await request(session, {
    method,
    compose: () => ({
      verb: 'POST',
      path,
      contentType: 'application/json',
      body: JSON.stringify(body),
    }),
  });
  return read && readAnswer(method, answer, read);
}

function readAnswer<T>(method: Method, answer: Answer, read: (body: JsonObject) => T): T {
  try {
    return read(parseObject(answer.body));
  } catch (error) {
    if (error instanceof MalformedAnswer) throw unavailable(method, error);
    throw error;
  }
}

/**
 * Closes the account's windows for as long as other workers need to see its new state. They may
 * hold an access token of a dead grant and would continue to call.
 */
export async function stopCallsOf(quota: Quota, user: string): Promise<void> {
  await Promise.all(API_NAMES.map((api) => quota.close(api, user, REFUSED_GRANT_CLOSED_MS, false)));
}

/**
 * Closes the window that Google reports as full, so that all processes wait and not only this call.
 */
export async function noteRefusal(
  session: Session,
  method: Method,
  detail: GoogleErrorKind,
): Promise<void> {
  if (detail.kind !== 'rate-limited' || detail.scope === 'concurrency') return;
  await session.quota.close(
    apiOf(method),
    detail.scope === 'user' ? quotaUserOf(session) : null,
    detail.retryAfterMs,
    detail.scope !== 'day',
  );
}

function quotaUserOf({ accountId, options }: Session): string {
  return options.quotaUser ?? accountId;
}

async function attempt(session: Session, call: Call): Promise<Sent> {
  if (session.unknown)
    throw new GoogleError(call.method, { kind: 'forbidden', reason: 'unknown_project' });
  const token = await session.tokens.access(session.accountId, session.options.grantVersion);
  const chargedAtMs = session.rt.clock.nowMs();
  const { granted, receipt, waitedMs } = await charge(session, call);
  try {
    return { answer: await send(session, call, granted, token), granted, token };
  } finally {
    await session.quota.finishCall(receipt);
    if (session.rt.clock.nowMs() - chargedAtMs - waitedMs > ON_THE_WAY_MS)
      await session.quota.move(receipt);
  }
}

/**
 * Charges now, or after a wait within the caller's limit.
 * @throws GoogleError `rate-limited` by the governor
 */
async function charge(
  session: Session,
  call: Call,
): Promise<{ granted: number; receipt: Receipt; waitedMs: number }> {
  const { rt, options, tier } = session;
  const costPerItem = unitsOf(call.method, tier);
  const asked = {
    user: quotaUserOf(session),
    api: apiOf(call.method),
    costPerItem,
    items: call.items ?? 1,
    lane: options.lane,
    shared: options.shared ?? false,
  };
  const allowedMs = options.maxQuotaWaitMs ?? MAX_QUOTA_WAIT_MS;
  let waitedMs = 0;
  for (;;) {
    const charged = await session.quota.charge(asked);
    if (charged.granted > 0 && 'receipt' in charged) {
      recordCharge(session, call.method, charged.granted, charged.receipt.units, waitedMs);
      return { granted: charged.granted, receipt: charged.receipt, waitedMs };
    }
    if (!('waitMs' in charged)) throw new TypeError('a charge is either granted or names a wait');
    if (waitedMs + charged.waitMs > allowedMs) throw refusedByQuota(session, call.method, charged);
    await rt.clock.sleep(charged.waitMs, options.signal);
    waitedMs += charged.waitMs;
  }
}

function refusedByQuota(
  session: Session,
  method: Method,
  {
    scope,
    waitMs,
    redisTrouble,
  }: { scope: 'user' | 'closed' | 'project' | 'day'; waitMs: number; redisTrouble: Error | null },
): GoogleError {
  session.rt.metrics.quotaDenied.inc({ scope, lane: session.options.lane });
  return new GoogleError(
    method,
    { kind: 'rate-limited', scope, retryAfterMs: waitMs, source: 'governor' },
    redisTrouble ? { cause: redisTrouble } : {},
  );
}

function recordCharge(
  session: Session,
  method: Method,
  calls: number,
  units: number,
  waitedMs: number,
): void {
  const { metrics } = session.rt;
  metrics.googleQuotaUnits.inc({ api: apiOf(method), method }, units);
  metrics.quotaWaitSeconds.observe({ lane: session.options.lane }, waitedMs / 1_000);
  const before = session.spent.get(method);
  session.spent.set(method, {
    method,
    calls: (before?.calls ?? 0) + calls,
    units: (before?.units ?? 0) + units,
  });
}

async function send(session: Session, call: Call, granted: number, token: string): Promise<Answer> {
  const { rt, origins, options } = session;
  const api = apiOf(call.method);
  const { verb, path, contentType, body } = call.compose(granted);
  const headers: Record<string, string> = { authorization: `Bearer ${token}` };
  if (contentType) headers['content-type'] = contentType;
  const startedMs = rt.clock.nowMs();
  try {
    const answer = await session.transport.exchange({
      method: call.method,
      origin: origins[api],
      verb,
      path,
      headers,
      signal: options.signal,
      ...(body === undefined ? {} : { body }),
    });
    rt.metrics.googleRequestSeconds.observe(
      { api, method: call.method },
      (rt.clock.nowMs() - startedMs) / 1_000,
    );
    if (isSuccess(answer))
      rt.metrics.googleRequests.inc({
        api,
        method: call.method,
        code: String(answer.status),
        reason: 'ok',
      });
    return answer;
  } catch (error) {
    rt.metrics.googleRequests.inc({
      api,
      method: call.method,
      code: 'none',
      reason: error instanceof GoogleError ? error.detail.kind : 'given-up',
    });
    throw error;
  }
}

async function checkedResponse(session: Session, call: Call, sent: Sent): Promise<Sent> {
  const { answer } = sent;
  if (isSuccess(answer)) return sent;
  const detail = classify(
    call.method,
    answer.status,
    answer.body.toString('utf8'),
    session.rt.clock.nowMs(),
    call.syncToken,
  );
  session.rt.metrics.googleRequests.inc({
    api: apiOf(call.method),
    method: call.method,
    code: String(answer.status),
    reason: detail.kind,
  });
  await noteRefusal(session, call.method, detail);
  throw new GoogleError(call.method, detail);
}

function isSuccess(answer: Answer): boolean {
  return answer.status >= 200 && answer.status < 300;
}
