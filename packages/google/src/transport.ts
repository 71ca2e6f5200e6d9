/**
 * Bytes to Google and back, whole or not at all. Everything is bounded: connections, waiting for the first byte, silence
 * between bytes, the whole exchange, and the size of a body before and after inflating it. Nothing is retried here: a retry
 * has to be charged to the quota, and only the callers above know whether the call may be repeated.
 */
import { gunzip } from 'node:zlib';
import { promisify } from 'node:util';
import { must } from '@syncline/runtime';
import { Pool } from 'undici';
import { unavailable } from './errors.js';
import { wantsGzip } from './origins.js';

const inflate = promisify(gunzip);

/** Wide enough that a charged call never queues for a socket: time spent there would eat the quota window's margin. */
const CONNECTIONS_PER_ORIGIN = 128;
const CONNECT_TIMEOUT_MS = 10_000;
const FIRST_BYTE_TIMEOUT_MS = 30_000;
const SILENCE_TIMEOUT_MS = 30_000;
const EXCHANGE_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_MS = 30_000;
/** Google's largest answer stays under this: a raw message of 50 MB, which Gmail takes at most, is 70 MB in base64. */
const BODY_LIMIT_BYTES = 80 * 1024 * 1024;

/** Google compresses only for clients that say gzip twice: in Accept-Encoding and in the User-Agent. */
const USER_AGENT = 'syncline/0.1';
const USER_AGENT_GZIP = 'syncline/0.1 (gzip)';

export interface Outgoing {
  /** Google's name of the method, for errors. */
  method: string;
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
   * One exchange, whatever its status.
   * @throws GoogleError `unavailable` when no whole answer came; `signal.reason` when the caller gave up.
   */
  exchange(out: Outgoing): Promise<Answer>;
  close(): Promise<void>;
}

export function openTransport(): Transport {
  const pools = new Map<string, Pool>();
  return {
    exchange: (out) => exchange(poolFor(pools, out.origin), out),
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

function poolFor(pools: Map<string, Pool>, origin: string): Pool {
  if (!pools.has(origin)) {
    const bounds = {
      connections: CONNECTIONS_PER_ORIGIN,
      headersTimeout: FIRST_BYTE_TIMEOUT_MS,
      bodyTimeout: SILENCE_TIMEOUT_MS,
    };
    const keeping = {
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      connect: { timeout: CONNECT_TIMEOUT_MS },
    };
    pools.set(
      origin,
      new Pool(origin, { ...bounds, ...keeping, maxResponseSize: BODY_LIMIT_BYTES }),
    );
  }
  return must(pools.get(origin), 'a pool was made for this origin');
}

async function exchange(pool: Pool, out: Outgoing): Promise<Answer> {
  out.signal?.throwIfAborted();
  // A controller of its own instead of AbortSignal.any: on Node 20 that one leaks into long-lived signals.
  const limit = new AbortController();
  const giveUp = (): void => limit.abort();
  const timer = setTimeout(giveUp, EXCHANGE_TIMEOUT_MS);
  out.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await sendAndRead(pool, out, limit.signal);
  } catch (error) {
    if (out.signal?.aborted) throw out.signal.reason;
    throw isOurMistake(error) ? error : unavailable(out.method, error);
  } finally {
    clearTimeout(timer);
    out.signal?.removeEventListener('abort', giveUp);
  }
}

async function sendAndRead(pool: Pool, out: Outgoing, signal: AbortSignal): Promise<Answer> {
  const gzip = wantsGzip(out.origin);
  const headers: Record<string, string> = {
    ...out.headers,
    accept: 'application/json',
    'user-agent': gzip ? USER_AGENT_GZIP : USER_AGENT,
  };
  if (gzip) headers['accept-encoding'] = 'gzip';
  const response = await pool.request({
    path: out.path,
    method: out.verb,
    headers,
    body: out.body ?? null,
    signal,
  });
  const raw = Buffer.from(await response.body.arrayBuffer());
  const body =
    response.headers['content-encoding'] === 'gzip'
      ? await inflate(raw, { maxOutputLength: BODY_LIMIT_BYTES })
      : raw;
  return {
    status: response.statusCode,
    contentType: String(response.headers['content-type'] ?? ''),
    body,
  };
}

/** What no waiting mends: a header or path that we built wrong is a bug and must not pass for weather. */
function isOurMistake(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    (error instanceof Error && 'code' in error && error.code === 'UND_ERR_INVALID_ARG')
  );
}
