/** Calls an operation by its id, over openapi-fetch. */
import createHttpClient, { type Client as OpenApiClient } from 'openapi-fetch';
import { openExchange, type Surroundings } from './exchange.js';
import { OPERATIONS, type OperationId } from './generated/operations.js';
import type { paths } from './generated/schema.js';
import { isProblem, SynclineProblem, SynclineUnreachable } from './problem.js';
import { retryAfterMs } from './retry.js';
import type { CallOptions } from './types.js';

/** Requests by path, typed by the document: what the methods of the client are made of. */
export type HttpClient = OpenApiClient<paths>;

/** What a call is made of. */
interface Call extends CallOptions {
  /** The parameters of the path, in their order. */
  inPath: readonly string[];
  /** The parameters of the query, and the fields of the body. */
  input: Readonly<Record<string, unknown>>;
}

/** How a call is sent. */
interface Sending {
  /** The answer as it comes, of this media type. */
  stream?: string;
  /** Whether the caller repeats by itself. */
  once?: boolean;
}

export interface Caller {
  http: HttpClient;
  /** @throws SynclineProblem, SynclineUnreachable, and the signal's reason when it is aborted */
  call(id: OperationId, call: Call, sending?: Sending): Promise<unknown>;
}

export interface CallerOptions {
  url: string;
  key: string;
  maxRetries: number;
  timeoutMs: number;
}

export function openCaller(around: Surroundings, options: CallerOptions): Caller {
  const { timeoutMs, maxRetries } = options;
  const exchange = ({ stream, once = false }: Sending) =>
    openExchange(around, {
      timeoutMs,
      maxRetries: once ? 0 : maxRetries,
      isStreamed: stream !== undefined,
    });
  const http = createHttpClient<paths>({
    baseUrl: baseOf(options.url),
    headers: { Authorization: `Bearer ${options.key}` },
    fetch: exchange({}),
  });
  return {
    http,
    call: async (id, call, sending = {}) => {
      const isStreamed = sending.stream !== undefined || !OPERATIONS[id].isJson;
      const { method, path } = OPERATIONS[id];
      // The parts are typed where the generated methods are called.
      const request = http.request as unknown as Request_;
      const answer = await request(method.toLowerCase(), path, {
        ...initOf(id, call, sending),
        fetch: exchange({ ...sending, ...(isStreamed ? { stream: sending.stream ?? '*/*' } : {}) }),
        parseAs: isStreamed ? 'stream' : 'json',
      }).catch((error: unknown) => {
        throw error instanceof SyntaxError ? foreign(null, error) : error;
      });
      return resultOf(around, answer, isStreamed);
    },
  };
}

type Request_ = (
  method: string,
  path: string,
  init: Record<string, unknown>,
) => Promise<{ data?: unknown; error?: unknown; response: Response }>;

function initOf(
  id: OperationId,
  { inPath, input, signal, idempotencyKey }: Call,
  { stream }: Sending,
): Record<string, unknown> {
  const { method, path, query, hasBody } = OPERATIONS[id];
  const inQuery = new Set<string>(query);
  const fields = Object.entries(input);
  const body = fields.filter(([name]) => !inQuery.has(name));
  return {
    params: {
      path: pathOf(path, inPath),
      query: Object.fromEntries(fields.filter(([name]) => inQuery.has(name))),
    },
    ...(hasBody ? { body: Object.fromEntries(body) } : {}),
    headers: {
      ...(stream === undefined ? {} : { Accept: stream }),
      ...(method === 'POST' ? { 'Idempotency-Key': idempotencyKey ?? crypto.randomUUID() } : {}),
    },
    ...(signal === undefined ? {} : { signal }),
  };
}

function pathOf(path: string, given: readonly string[]): Record<string, string> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => String(name));
  return Object.fromEntries(
    names.map((name, at) => {
      const value: unknown = given[at];
      // An address without one of its parts, or with dots, would be that of something else.
      if (typeof value !== 'string' || ['', '.', '..'].includes(value))
        throw new TypeError(`${name} of ${path} must be an id`);
      return [name, value];
    }),
  );
}

async function resultOf(
  { nowMs }: Surroundings,
  { data, error, response }: { data?: unknown; error?: unknown; response: Response },
  isStreamed: boolean,
): Promise<unknown> {
  if (response.ok) return isStreamed ? response : data;
  const problem = typeof error === 'string' ? parsed(error) : error;
  if (!isProblem(problem)) throw foreign(response.status);
  const header = response.headers.get('Retry-After');
  throw new SynclineProblem(problem, { retryAfterMs: retryAfterMs(header, nowMs()) });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // A page of something in between.
  }
}

function foreign(status: number | null, cause?: unknown): SynclineUnreachable {
  const which = status === null ? '' : ` (status ${status})`;
  return new SynclineUnreachable(`The answer is not one of Syncline's API${which}`, {
    status,
    cause,
  });
}

/** @throws TypeError for what is no address of an API */
function baseOf(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '')
    throw new TypeError(
      'url must be the http or https address of the API, without a user or query',
    );
  return url.href.replace(/\/+$/, '');
}
