/**
 * Exchanges bytes with Google, completely or not at all. Everything is bounded: connections, the
 * wait for the first byte, the pause between bytes, the whole exchange, and the size of a body
 * before and after inflating. Nothing is retried here: a retry has to be charged to the quota, and
 * only the callers know whether a call may be repeated.
 */
import { gunzip } from 'node:zlib';
import { promisify } from 'node:util';
import type { GoogleProxy } from '@syncline/runtime';
import type { Dispatcher } from 'undici';
import { type AnyMethod, answerLimitBytes, LARGEST_ANSWER_BYTES } from './answer-limits.js';
import { AnswerRefused, unavailable } from './errors.js';
import { wantsGzip } from './origins.js';
import { dispatcherFor, proxyFailure } from './proxy.js';

const inflate = promisify(gunzip);

/**
 * Enough that a charged call does not queue for a socket; time in that queue would use up the
 * margin of the quota window.
 */
const CONNECTIONS_PER_ORIGIN = 128;
const CONNECT_TIMEOUT_MS = 10_000;
const FIRST_BYTE_TIMEOUT_MS = 30_000;
const SILENCE_TIMEOUT_MS = 30_000;
const EXCHANGE_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_MS = 30_000;
/** Google compresses only when gzip is in both Accept-Encoding and User-Agent. */
const USER_AGENT = 'syncline/0.1';
const USER_AGENT_GZIP = 'syncline/0.1 (gzip)';

interface Outgoing {
  /** Google's name of the method; it is used in errors and determines the largest answer. */
  method: AnyMethod;
  origin: string;
  verb: 'GET' | 'POST';
  path: string;
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal | undefined;
}

export interface Answer {
  status: number;
  contentType: string;
  body: Buffer;
}

export interface Transport {
  /**
   * Makes one exchange and returns the answer, whatever its status.
   * @throws GoogleError `unavailable` when no complete answer arrived; `signal.reason` when the
   * caller aborted
   */
  exchange(out: Outgoing): Promise<Answer>;
  close(): Promise<void>;
}

/**
 * @param proxy the proxy to Google, used by every connection of this transport; null for a direct
 * connection
 */
export function openTransport(proxy: GoogleProxy | null = null): Transport {
  const ways = new Map<string, Dispatcher>();
  return {
    exchange: (out) => exchange(wayTo(ways, out.origin, proxy), proxy, out),
    close: async () => {
      await Promise.all([...ways.values()].map((way) => way.destroy()));
      ways.clear();
    },
  };
}

function wayTo(
  ways: Map<string, Dispatcher>,
  origin: string,
  proxy: GoogleProxy | null,
): Dispatcher {
  const known = ways.get(origin);
  if (known) return known;
  const way = dispatcherFor(origin, proxy, {
    connections: CONNECTIONS_PER_ORIGIN,
    headersTimeout: FIRST_BYTE_TIMEOUT_MS,
    bodyTimeout: SILENCE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    maxResponseSize: LARGEST_ANSWER_BYTES,
  });
  ways.set(origin, way);
  return way;
}

async function exchange(
  way: Dispatcher,
  proxy: GoogleProxy | null,
  out: Outgoing,
): Promise<Answer> {
  out.signal?.throwIfAborted();
  // A controller of its own instead of AbortSignal.any, which leaks memory into long-lived signals
  // on Node 20.
  const limit = new AbortController();
  const giveUp = (): void => limit.abort();
  const timer = setTimeout(giveUp, EXCHANGE_TIMEOUT_MS);
  out.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await sendAndRead(way, out, limit.signal);
  } catch (error) {
    if (out.signal?.aborted) throw out.signal.reason;
    if (isOurMistake(error)) throw error;
    const failure = proxyFailure(error, out.origin, proxy);
    throw unavailable(out.method, failure === null ? error : new AnswerRefused(failure));
  } finally {
    clearTimeout(timer);
    out.signal?.removeEventListener('abort', giveUp);
  }
}

async function sendAndRead(way: Dispatcher, out: Outgoing, signal: AbortSignal): Promise<Answer> {
  const gzip = wantsGzip(out.origin);
  const headers: Record<string, string> = {
    ...out.headers,
    accept: 'application/json',
    'user-agent': gzip ? USER_AGENT_GZIP : USER_AGENT,
  };
  if (gzip) headers['accept-encoding'] = 'gzip';
  const response = await way.request({
    origin: out.origin,
    path: out.path,
    method: out.verb,
    headers,
    body: out.body ?? null,
    signal,
  });
  const limitBytes = answerLimitBytes(out.method, response.statusCode);
  const raw = isWithin(response, limitBytes)
    ? await readWhole(response, limitBytes)
    : await readWithin(response, limitBytes);
  const isZipped = response.headers['content-encoding'] === 'gzip';
  const body = isZipped ? await inflated(raw, limitBytes) : raw;
  return {
    status: response.statusCode,
    contentType: String(response.headers['content-type'] ?? ''),
    body,
  };
}

/**
 * Whether the bytes need not be counted during the read: undici itself enforces the largest limit,
 * and an answer is not longer than its Content-Length. Counting costs a fifth more CPU.
 */
function isWithin({ headers }: Dispatcher.ResponseData, limitBytes: number): boolean {
  if (limitBytes === LARGEST_ANSWER_BYTES) return true;
  const declared = headers['content-length'];
  return declared !== undefined && Number(declared) <= limitBytes;
}

async function readWhole({ body }: Dispatcher.ResponseData, limitBytes: number): Promise<Buffer> {
  try {
    return Buffer.from(await body.arrayBuffer());
  } catch (error) {
    const { code } = Object(error) as { code?: unknown };
    throw code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' ? tooLarge(limitBytes) : error;
  }
}

/**
 * @throws AnswerRefused as soon as the body is known to be larger, by its declared length or by the
 * received bytes; the connection is then closed
 */
function readWithin(
  { body, headers }: Dispatcher.ResponseData,
  limitBytes: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const refuse = (): void => {
      reject(tooLarge(limitBytes));
      body.destroy();
    };
    // undici emits an error before it closes an incomplete body, whichever side cut it off.
    body.on('error', reject);
    if (Number(headers['content-length'] ?? 0) > limitBytes) return refuse();
    body.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limitBytes) refuse();
      else chunks.push(chunk);
    });
    body.on('end', () => resolve(Buffer.concat(chunks, bytes)));
  });
}

async function inflated(raw: Buffer, limitBytes: number): Promise<Buffer> {
  try {
    return await inflate(raw, { maxOutputLength: limitBytes });
  } catch (error) {
    const { code } = Object(error) as { code?: unknown };
    throw code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(limitBytes) : error;
  }
}

function tooLarge(limitBytes: number): AnswerRefused {
  return new AnswerRefused(`the answer is larger than ${limitBytes / 1024} KB`);
}

/** A malformed header or path is our bug and must not count as a transient error. */
function isOurMistake(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    (error instanceof Error && 'code' in error && error.code === 'UND_ERR_INVALID_ARG')
  );
}
