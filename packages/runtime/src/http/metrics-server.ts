/**
 * `/livez`, `/readyz` and `/metrics` of a process without other HTTP pages: a scheduler or a
 * worker.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Runtime } from '../runtime.js';
import { hasBody } from './connections.js';
import { type Listener, type ListenerLimits, isLoopbackHost, listen } from './listener.js';
import { metricsText } from './metrics-text.js';
import { FOREIGN_NAME, isLoopbackName } from './own-name.js';

/** There are few clients, and their requests are small. */
const LIMITS: ListenerLimits = {
  connections: 64,
  headerBytes: 8_192,
  headersMs: 5_000,
  requestMs: 5_000,
  keepAliveMs: 5_000,
  stalledMs: 10_000,
  unreadMs: 10_000,
  requestsPerConnection: 1_000,
};

/** The registry is in this process: creating its text takes milliseconds and no query. */
const METRICS_EVERY_MS = 1_000;

interface Page {
  status: number;
  type: string;
  text: string;
}

/**
 * Listens on OPERATOR_HOST, because these pages are for operators. Port 0 selects a free port.
 * Paths are matched exactly. GET and HEAD are answered, other methods get 405. On loopback a
 * request must name loopback as its host, and gets 421 otherwise. The server does not keep the
 * process alive.
 * @throws OperatorError when it cannot listen on the address
 */
export async function serveMetrics(rt: Runtime, host: string, port: number): Promise<Listener> {
  const pages = pagesOf(rt);
  const respond: RequestListener = (request, response) => answer(pages, request, response);
  return listen(isLoopbackHost(host) ? underOwnName(respond) : respond, {
    host,
    port,
    variables: { host: 'OPERATOR_HOST', port: 'METRICS_PORT' },
    limits: LIMITS,
    keepsAlive: false,
  });
}

type Pages = ReadonlyMap<string, () => Promise<Page>>;

function pagesOf(rt: Runtime): Pages {
  const { health, metrics } = rt;
  const text = metricsText(rt, METRICS_EVERY_MS);
  return new Map<string, () => Promise<Page>>([
    // `/livez` depends on the event loop only: a restart of Postgres must not restart the fleet.
    ['/livez', async () => json(200, { status: 'live' })],
    [
      '/readyz',
      async () => {
        const ready = health.answer();
        return json(ready.status === 'not ready' ? 503 : 200, ready);
      },
    ],
    [
      '/metrics',
      async () => ({
        status: 200,
        type: metrics.registry.contentType,
        text: await text(),
      }),
    ],
  ]);
}

function json(status: number, body: object): Page {
  return { status, type: 'application/json; charset=utf-8', text: JSON.stringify(body) };
}

function answer(pages: Pages, request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const page = pages.get(path);
  // The body of the request is not read, so a connection that carries one cannot be reused.
  response.shouldKeepAlive &&= !hasBody(request);
  if (!isAllowed(request.method, page !== undefined))
    return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
  if (page === undefined) return void response.writeHead(404).end();
  page().then(
    (required) => send(response, required),
    () => response.writeHead(500).end(),
  );
}

function underOwnName(respond: RequestListener): RequestListener {
  return (request, response) => {
    if (isLoopbackName(request.headers.host ?? '')) return respond(request, response);
    const { status, text } = FOREIGN_NAME;
    // The body of the request is not read, so a connection that carries one cannot be reused.
    response.shouldKeepAlive &&= !hasBody(request);
    send(response, { status, type: 'text/plain; charset=utf-8', text });
  };
}

/** TRACE is refused on every path because it returns the request to its sender. */
function isAllowed(method: string | undefined, isPage: boolean): boolean {
  return isPage ? method === 'GET' || method === 'HEAD' : method !== 'TRACE';
}

function send(response: ServerResponse, { status, type, text }: Page): ServerResponse {
  const headers = {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  };
  return response.writeHead(status, headers).end(text);
}
