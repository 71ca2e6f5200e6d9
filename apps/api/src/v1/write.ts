import type { Runtime } from '@syncline/runtime';
import type { Request, Response } from 'express';
import { etagOf, isNamed, type Reply } from './reply.js';
import type { OpenStream } from './streams.js';

/** Writes an answer, without its body to HEAD and to a client that has it. */
export function write(
  { signal }: Pick<Runtime, 'signal'>,
  { request, response, id }: { request: Request; response: Response; id: string },
  reply: Reply,
): void {
  // The client has gone, or the listener has ended the connection.
  if (response.destroyed || response.headersSent) return;
  response.set({ ...reply.headers, 'Syncline-Request-Id': id });
  if (signal.aborted) response.set('Connection', 'close');
  // HEAD: what precedes a stream.
  if (reply.stream === undefined) writeBody(request, response, reply);
  else response.status(reply.status).end();
}

/** Writes an answer whose body is sent as it comes. */
export async function writeStream(
  { response, id }: { response: Response; id: string },
  { status, headers }: Reply,
  stream: OpenStream,
): Promise<void> {
  if (!response.destroyed && !response.headersSent) {
    response.status(status);
    // Express would add a charset to the type, which is that of a stranger's file.
    const all = { ...headers, 'Syncline-Request-Id': id };
    for (const [name, value] of Object.entries(all)) response.setHeader(name, value);
  }
  await stream.writeTo(response);
}

function writeBody(request: Request, response: Response, { status, headers, body }: Reply): void {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const tag = isRead && status === 200 ? (headers['ETag'] ?? etagOf(body)) : null;
  if (tag !== null) response.set('ETag', tag);
  if (tag !== null && isNamed(tag, request.headers['if-none-match'])) {
    response.removeHeader('Content-Type');
    return void response.status(304).end();
  }
  response.set('Content-Length', String(Buffer.byteLength(body))).status(status);
  response.end(request.method === 'HEAD' ? undefined : body);
}
