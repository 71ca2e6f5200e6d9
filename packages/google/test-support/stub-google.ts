import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';

export interface Seen {
  verb: string;
  /** Path and query as received. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  /** A string or buffer is sent unchanged, any other value as JSON. */
  body?: unknown;
  /** Destroys the connection: before the first byte, or in the middle of the body. */
  reset?: 'at-once' | 'in-body';
}

/** An HTTP server in place of Google, with the answers that the test defines. */
export interface StubGoogle {
  url: string;
  /** Every request except those to /token. */
  seen: Seen[];
  refreshes: Seen[];
  /** Replaces the answers for API requests. */
  answer: (seen: Seen) => Reply | Promise<Reply>;
  /** Replaces the answers of the token endpoint; by default every refresh grants `ya29.<n>`. */
  grant: (seen: Seen) => Reply | Promise<Reply>;
  close(): Promise<void>;
}

export async function startStubGoogle(): Promise<StubGoogle> {
  const stub: Omit<StubGoogle, 'url' | 'close'> = {
    seen: [],
    refreshes: [],
    answer: () => ({ status: 500 }),
    grant: () => ({}),
  };
  stub.grant = () => ({
    body: {
      access_token: `ya29.${stub.refreshes.length}`,
      expires_in: 3_599,
      token_type: 'Bearer',
    },
  });
  const server = createServer((req, res) => void serve(stub, req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(stub, {
    url: `http://127.0.0.1:${portOf(server)}`,
    close: () => close(server),
  });
}

async function serve(
  stub: Omit<StubGoogle, 'url' | 'close'>,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(Buffer.from(chunk as Uint8Array));
  const path = req.url ?? '';
  const seen = {
    verb: req.method ?? '',
    path,
    query: new URL(path, 'http://x').searchParams,
    headers: req.headers,
    body: Buffer.concat(chunks).toString(),
  };
  const isRefresh = path === '/token';
  (isRefresh ? stub.refreshes : stub.seen).push(seen);
  const reply = await (isRefresh ? stub.grant(seen) : stub.answer(seen));
  if (reply.reset === 'at-once') return void req.socket.destroy();
  const body =
    typeof reply.body === 'string' || Buffer.isBuffer(reply.body)
      ? reply.body
      : JSON.stringify(reply.body ?? {});
  res.writeHead(reply.status ?? 200, {
    'content-type': 'application/json; charset=UTF-8',
    ...reply.headers,
  });
  if (reply.reset !== 'in-body') return void res.end(body);
  res.write(body.slice(0, body.length / 2));
  setImmediate(() => req.socket.destroy());
}

/** Returns the requests of a batch: the id of each message, by its Content-ID. */
export function askedIn(batch: Seen): { contentId: string; id: string }[] {
  const parts = [
    ...batch.body.matchAll(
      /Content-ID: <([^>]+)>[\s\S]*?GET \/gmail\/v1\/users\/me\/messages\/([^?]+)\?/g,
    ),
  ];
  return parts.map(([, contentId = '', id = '']) => ({ contentId, id: decodeURIComponent(id) }));
}

/** Builds Google's answer to a batch, in the order of `parts`. */
export function batchReply(parts: { contentId: string; status: number; json: unknown }[]): Reply {
  const text = parts.map(
    ({ contentId, status, json }) =>
      `--batch_x\r\nContent-Type: application/http\r\nContent-ID: <response-${contentId}>\r\n\r\nHTTP/1.1 ${status} X\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(json)}\r\n`,
  );
  return {
    headers: { 'content-type': 'multipart/mixed; boundary=batch_x' },
    body: `\r\n${text.join('\r\n')}\r\n--batch_x--\r\n`,
  };
}

export function refusal(code: number, reason: string, message = reason): { error: object } {
  return { error: { code, message, errors: [{ message, domain: 'global', reason }] } };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}
