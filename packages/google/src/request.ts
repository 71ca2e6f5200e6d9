/**
 * The one way to Google: token, quota, send, read whole, classify, and on a 401 once more with a fresh token.
 *
 * The token comes before the quota although the quota may say no: a refresh takes seconds, and a charge has to be followed
 * by its call at once, or the ledger's window and Google's drift apart. There are no retries here: a retry is charged like
 * any call, and the sync engine, which knows what else is waiting, decides on it.
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
  /** The Google project of the account; its client refreshes the token, its quota is charged. Default `default`. */
  project?: string | undefined;
  /** Version of the account's grant: access tokens of an earlier one are not used. Default: any. */
  grantVersion?: number;
  signal?: AbortSignal;
  /**
   * The quota user that Google counts this under: the Google identity. Default: the account itself,
   * while its identity is not known.
   */
  quotaUser?: string;
  /** Several accounts are that user. */
  shared?: boolean;
  /** Parts of a batch at most: for whoever reads beside the mailbox's own run, which has a full batch in flight. Default: what the mailbox takes. */
  maxParts?: number;
  /** A longer wait for quota is thrown as `rate-limited`, so that a worker slot never sleeps. Default 250. */
  maxQuotaWaitMs?: number;
}

/** What was charged for a method. */
export interface Spent {
  method: string;
  calls: number;
  units: number;
}

/** One account's calls, and everything they go through. */
export interface Session {
  rt: Runtime;
  quota: Quota;
  tokens: Pick<Tokens, 'access' | 'forget' | 'owner'>;
  transport: Transport;
  batchSizes: BatchSizes;
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
  /** How many calls of `method` this request carries if quota allows; a batch's parts. Default 1. */
  items?: number;
  /** The request for as many items as were granted. */
  compose(granted: number): {
    verb: 'GET' | 'POST';
    path: string;
    contentType?: string;
    body?: string;
  };
  /** Whether a sync token is sent, which changes what a 400 means. */
  syncToken?: boolean;
}

const MAX_QUOTA_WAIT_MS = 250;
const DEAD_GRANT_CLOSED_MS = 10_000;

export interface Sent {
  answer: Answer;
  /** How many items quota allowed and the request carried. */
  granted: number;
  /** The access token it went with. */
  token: string;
}

/**
 * Sends `call` and gives back Google's 2xx answer.
 * @throws GoogleError for everything else; `options.signal`'s reason when the caller gave up.
 */
export async function request(session: Session, call: Call): Promise<Sent> {
  try {
    const first = await attempt(session, call);
    if (first.answer.status !== 401) return await judged(session, call, first);
    await session.tokens.forget(session.accountId, first.token);
    const second = await attempt(session, call);
    if (second.answer.status === 401 && !isAboutPush(second.answer))
      await requireRefusedGrant(session, call.method);
    return await judged(session, call, second);
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
 * A call that is refused with a fresh token as well may be refused for the sake of what it asks for. So the same API is asked for something else before
 * the whole account is taken for refused, which stops everything of it until a person comes.
 * @throws GoogleError `forbidden` when that is answered, and its own error when it has none that decides
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

/** Calendar says 401 of an address that it does not push to. */
function isAboutPush({ body }: Answer): boolean {
  return body.includes('"push.');
}

/** `request` for an answer that is one JSON object, which `read` checks and converts. */
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

/** What one thing is asked for by its id: null when Google does not have it (404, or 410). */
export function orNull<T>(asking: Promise<T>): Promise<T | null> {
  return asking.catch((error: unknown) => {
    if (!(error instanceof GoogleError)) throw error;
    const { detail } = error;
    if (detail.kind === 'not-found' || (detail.kind === 'rejected' && detail.status === 410))
      return null;
    throw error;
  });
}

/** A call that says something: `body` goes out as JSON. What Google answers is read only where it is wanted; stops answer nothing. */
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
 * Other workers may hold an access token of a dead grant and would go on calling until they see the account's new state:
 * its windows are closed for as long as that takes.
 */
export async function stopCallsOf(quota: Quota, user: string): Promise<void> {
  await Promise.all(API_NAMES.map((api) => quota.close(api, user, DEAD_GRANT_CLOSED_MS, false)));
}

/** Closes the window that Google says is full, so that the whole fleet stays away and not just this call. */
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
    await session.quota.landed(receipt);
    if (session.rt.clock.nowMs() - chargedAtMs - waitedMs > ON_THE_WAY_MS)
      await session.quota.move(receipt);
  }
}

/** Charges now, or after a wait that fits into what the caller allows. @throws GoogleError `rate-limited` by the governor. */
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
    if (waitedMs + charged.waitMs > allowedMs) throw heldBack(session, call.method, charged);
    await rt.clock.sleep(charged.waitMs, options.signal);
    waitedMs += charged.waitMs;
  }
}

function heldBack(
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
    if (isGood(answer))
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

async function judged(session: Session, call: Call, sent: Sent): Promise<Sent> {
  const { answer } = sent;
  if (isGood(answer)) return sent;
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

function isGood(answer: Answer): boolean {
  return answer.status >= 200 && answer.status < 300;
}
