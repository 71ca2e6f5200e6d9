/** Sends requests: within a time, and again where that is worthwhile. */
import { isProblem, SynclineUnreachable } from './problem.js';
import { retryAfterMs, retryDelayMs, type RetryLimits } from './retry.js';

/** What the client gets from its surroundings. */
export interface Surroundings {
  fetch: (request: Request, init: { signal: AbortSignal }) => Promise<Response>;
  /** From 0 to 1. */
  random: () => number;
  nowMs: () => number;
  /** Resolves after the time, and rejects with the signal's reason when it is aborted. */
  sleep: (ms: number, signal?: AbortSignal | null) => Promise<void>;
}

export interface ExchangeOptions extends RetryLimits {
  /** The time of one attempt; of a streamed answer, until its headers are there. */
  timeoutMs: number;
  /** Whether the answer's body is read by the caller as it comes. */
  isStreamed: boolean;
}

export type Exchange = (request: Request) => Promise<Response>;

/** Statuses whose answers have no body. */
const BODILESS = new Set([204, 205, 304]);

/**
 * Returns a `fetch` that repeats what failed for a while. Its answer may be a problem.
 * @throws SynclineUnreachable without an answer, and the signal's reason when the request is aborted
 */
export function openExchange(around: Surroundings, options: ExchangeOptions): Exchange {
  return async (request) => {
    for (let count = 1; ; count++) {
      const end = await attempt(around, request, options);
      const delayMs = retryDelayMs(
        await describe(end, request, { count, nowMs: around.nowMs() }),
        options,
        around.random(),
      );
      if (delayMs !== null) await around.sleep(delayMs, request.signal);
      else if (end instanceof Error) throw end;
      else return end;
    }
  };
}

async function attempt(
  { fetch }: Surroundings,
  request: Request,
  { timeoutMs, isStreamed }: ExchangeOptions,
): Promise<Response | SynclineUnreachable> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`there was no answer within ${timeoutMs / 1_000} s`)),
    timeoutMs,
  );
  try {
    const signal = AbortSignal.any([request.signal, late.signal]);
    const response = await fetch(request.clone(), { signal });
    return isStreamed && response.ok ? response : await whole(response);
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason;
    return new SynclineUnreachable(`The API does not answer: ${reasonOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Reads the body within the time of the attempt, so that a cut answer is repeated too. */
async function whole(response: Response): Promise<Response> {
  const { status, statusText, headers } = response;
  const body = await response.arrayBuffer();
  return new Response(BODILESS.has(status) ? null : body, { status, statusText, headers });
}

async function describe(
  end: Response | SynclineUnreachable,
  { method, headers }: Request,
  { count, nowMs }: { count: number; nowMs: number },
): Promise<Parameters<typeof retryDelayMs>[0]> {
  const answer = end instanceof Error ? null : end;
  return {
    count,
    // A PATCH has no key under which it could be repeated.
    isRepeatable: method !== 'PATCH' && (method !== 'POST' || headers.has('Idempotency-Key')),
    status: answer?.status ?? null,
    isInProgress: answer?.status === 409 && (await isInProgress(answer)),
    retryAfterMs: retryAfterMs(answer?.headers.get('Retry-After') ?? null, nowMs),
  };
}

async function isInProgress(answer: Response): Promise<boolean> {
  const body: unknown = await answer
    .clone()
    .json()
    .catch(() => null);
  return isProblem(body) && body.type === 'urn:syncline:problem:idempotency-in-progress';
}

/** The innermost reason: fetch itself says only that it failed. */
function reasonOf(error: unknown): string {
  const { message, cause, code } = Object(error) as {
    message?: string;
    cause?: unknown;
    code?: string;
  };
  if (cause !== undefined && cause !== null) return reasonOf(cause);
  return message === undefined || message === '' ? (code ?? 'the request failed') : message;
}
