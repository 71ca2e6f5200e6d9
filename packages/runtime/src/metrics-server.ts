/**
 * `/livez`, `/readyz` and `/metrics` of a process that has no other HTTP: a scheduler or a worker.
 */
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { OperatorError } from './errors.js';
import type { Runtime } from './runtime.js';

export interface MetricsServer {
  port: number;
  close(): void;
}

/** What is asked here is small, and so is the number of those that ask. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
} as const;
const CONNECTIONS_LIMIT = 64;
const REQUESTS_A_CONNECTION = 1_000;

interface Page {
  status: number;
  type: string;
  text: string;
}

/**
 * Serves on every address, as Prometheus and orchestrators ask from elsewhere; nothing here is
 * personal. Port 0 takes a free one. Paths are matched exactly. GET and HEAD are answered, other
 * methods get 405.
 * @throws OperatorError when the port is taken
 */
export async function serveMetrics(rt: Runtime, port: number): Promise<MetricsServer> {
  const pages = pagesOf(rt);
  const server = createServer(LIMITS, (request, response) => answer(pages, request, response));
  server.maxConnections = CONNECTIONS_LIMIT;
  server.maxRequestsPerSocket = REQUESTS_A_CONNECTION;
  server.listen(port);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new OperatorError(
      `METRICS_PORT ${port} cannot be listened on (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}): set it to a free port above 1023`,
      { cause: error },
    );
  }
  server.unref();
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () => server.close(),
  };
}

type Pages = ReadonlyMap<string, () => Promise<Page>>;

function pagesOf({ health, metrics }: Runtime): Pages {
  return new Map<string, () => Promise<Page>>([
    // Alive is a process whose event loop turns. It depends on nothing: a restart of Postgres must
    // not restart the fleet.
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
        text: await metrics.registry.metrics(),
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
  if (page === undefined) return void response.writeHead(404).end();
  if (request.method !== 'GET' && request.method !== 'HEAD')
    // A body that comes with it is not read.
    return void response.writeHead(405, { allow: 'GET, HEAD', connection: 'close' }).end();
  page().then(
    (wanted) => send(response, wanted),
    () => response.writeHead(500).end(),
  );
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
