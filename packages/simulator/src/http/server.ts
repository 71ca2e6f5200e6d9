/** One origin for all of Google's hosts; the prefix of the path selects the service. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { applyFaults } from '../faults.js';
import type { Control } from '../control/control.js';
import { isPubSubPath, serveCertificates, servePubSub } from '../push/routes.js';
import { isConsentPath, serveConsent } from '../consent/authorize.js';
import type { Sim } from '../sim.js';
import { isApiPath, type Admitted, type Api } from './api.js';
import { bearer, inPieces, parseBatch, writeBatch } from './batch.js';
import { backendError, notFound, platformError } from './errors.js';
import { beginRefresh, clientCredentials, revoke, tokenInfo } from './oauth.js';
import { serveOpenId } from './openid.js';
import { NO_CONTENT, send, type Reply } from './reply.js';

const BODY_LIMIT_BYTES = 10 * 1024 * 1024;
const NOTHING_POSTED = Buffer.alloc(0);

export function createHttpServer(sim: Sim, api: Api, control: Control): Server {
  const server = createServer((request, response) => {
    handle({ sim, api, control, request, response }).catch((error: unknown) =>
      fail(response, error),
    );
  });
  // Clients keep connections open for minutes. Node's default of 5 s would close them during a
  // pause, which would look like a fault.
  server.keepAliveTimeout = 120_000;
  server.headersTimeout = 125_000;
  return server;
}

interface Exchange {
  sim: Sim;
  api: Api;
  control: Control;
  request: IncomingMessage;
  response: ServerResponse;
}

async function handle(exchange: Exchange): Promise<void> {
  const { sim, request, response } = exchange;
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  if (path === '/sim' || path.startsWith('/sim/')) {
    await exchange.control.handle(request, response, path, query, await readBody(request));
    return;
  }
  sim.ledger.requests += 1;
  if (isApiPath(path)) {
    const body = request.method === 'POST' ? await readBody(request) : NOTHING_POSTED;
    const call = {
      httpMethod: request.method ?? 'GET',
      path,
      query,
      accessToken: tokenOf(request, query),
      body,
    };
    await complete(exchange, [exchange.api.admit(call)], (admitted) =>
      (admitted[0] as Admitted).answer(),
    );
    return;
  }
  const batchPrefix = BATCH_PREFIXES.get(path);
  if (batchPrefix === undefined) await elsewhere(exchange, path, query);
  else await batch(exchange, batchPrefix);
}

/** The path prefix that all parts of a batch must have, by batch path. */
const BATCH_PREFIXES: ReadonlyMap<string, string> = new Map([
  ['/batch', '/gmail/'],
  ['/batch/gmail/v1', '/gmail/'],
  ['/batch/calendar/v3', '/calendar/'],
]);

/** Serves everything except the APIs: consent, tokens, Pub/Sub, certificates. */
async function elsewhere(exchange: Exchange, path: string, query: URLSearchParams): Promise<void> {
  const { sim, request, response } = exchange;
  if (path === '/token' && request.method === 'POST') {
    await token(exchange);
    return;
  }
  if (isConsentPath(path)) await consent(exchange, path, query);
  else if (path === '/revoke' && request.method === 'POST') {
    const form = new URLSearchParams((await readBody(request)).toString());
    await send(request, response, revoke(sim, query.get('token') ?? form.get('token')));
  } else if (isPubSubPath(path)) {
    const body = await readBody(request);
    const { method = 'GET' } = request;
    await send(
      request,
      response,
      await servePubSub(sim, method, path, tokenOf(request, query), body),
    );
  } else await send(request, response, document(exchange, path, tokenOf(request, query)));
}

/** Returns what a GET shows: token information, certificates, documents of OpenID Connect. */
function document({ sim, request }: Exchange, path: string, accessToken: string | null): Reply {
  if (path === '/tokeninfo') return tokenInfo(sim, accessToken);
  const origin = `http://${request.headers.host ?? sim.settings.host}`;
  return (
    serveCertificates(sim, path) ??
    serveOpenId(sim, path, { origin, accessToken }) ??
    notFound('gmail')
  );
}

/** The endpoint takes its parameters by GET or POST (OpenID Connect Core 3.1.2.1), pages by POST. */
async function consent(exchange: Exchange, path: string, query: URLSearchParams): Promise<void> {
  const { sim, request, response } = exchange;
  const parameters =
    request.method === 'POST' ? new URLSearchParams((await readBody(request)).toString()) : query;
  await wait(latencyOf(sim));
  await send(request, response, serveConsent(sim, path, parameters));
}

function tokenOf(request: IncomingMessage, query: URLSearchParams): string | null {
  return bearer(request.headers.authorization) ?? query.get('access_token');
}

/** All parts must be calls of the batch path's API (`prefix`). */
async function batch(exchange: Exchange, prefix: string): Promise<void> {
  const { sim, request, response } = exchange;
  const parsed = parseBatch(
    request.headers['content-type'] ?? '',
    await readBody(request),
    bearer(request.headers.authorization),
  );
  if (request.method !== 'POST' || !parsed.ok) {
    await send(
      request,
      response,
      parsed.ok ? platformError(404, 'Not Found', 'notFound') : parsed.reply,
    );
    return;
  }
  sim.ledger.batches += 1;
  sim.ledger.batchParts += parsed.parts.length;
  const injected = sim.faults.draw({ name: 'batch', email: null, method: null }, sim.clock.nowMs());
  if (injected.reset) {
    request.socket.destroy();
    return;
  }
  if (injected.reply !== null) {
    await send(
      request,
      response,
      applyFaults(injected, () => NO_CONTENT),
    );
    return;
  }
  const admitted = parsed.parts.map((part) =>
    exchange.api.admit(part.call.path.startsWith(prefix) ? part.call : { ...part.call, path: '/' }),
  );
  await complete(
    exchange,
    admitted,
    async () => {
      const replies = await inPieces(admitted);
      return applyFaults(injected, () =>
        writeBatch(
          parsed.parts.map(({ contentId }, index) => ({
            contentId,
            reply: replies[index] as Reply,
          })),
          sim.traffic,
        ),
      );
    },
    injected.delayMs,
  );
}

/** Waits for the latency (of the slowest part) and answers; always releases the parts in flight. */
async function complete(
  exchange: Exchange,
  admitted: readonly Admitted[],
  answer: (admitted: readonly Admitted[]) => Reply | Promise<Reply>,
  extraMs = 0,
): Promise<void> {
  try {
    await wait(latencyOf(exchange.sim) + extraMs + Math.max(...admitted.map((one) => one.delayMs)));
    if (admitted.some((one) => one.reset)) exchange.request.socket.destroy();
    else await send(exchange.request, exchange.response, await answer(admitted));
  } finally {
    for (const one of admitted) one.release();
  }
}

async function token(exchange: Exchange): Promise<void> {
  const { sim, request, response } = exchange;
  const form = new URLSearchParams((await readBody(request)).toString());
  const person =
    sim.grants.ofRefreshToken(form.get('refresh_token') ?? '')?.email ??
    sim.codes.personOf(form.get('code') ?? '');
  const email = person === null ? null : (sim.world.byKey(person)?.email ?? person);
  const injected = sim.faults.draw({ name: 'token', email, method: null }, sim.clock.nowMs());
  const client = clientCredentials(form, request.headers.authorization);
  const refresh = beginRefresh(sim, form, client);
  try {
    await wait(Math.max(latencyOf(sim), sim.settings.tokenLatencyMs) + injected.delayMs);
    if (injected.reset) {
      request.socket.destroy();
      return;
    }
    const reply =
      injected.reply ?? (await refresh.answer(injected.damage === null, injected.rotate));
    await send(
      request,
      response,
      applyFaults(injected, () => reply),
    );
  } finally {
    refresh.release();
  }
}

function latencyOf(sim: Sim): number {
  const [least, most] = sim.settings.latencyMs;
  return least === most ? least : least + sim.traffic.next() * (most - least);
}

async function wait(ms: number): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { ref: false });
}

/**
 * A body above the limit is read to its end and discarded, because a client that is still writing
 * would not read the refusal.
 */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= BODY_LIMIT_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bytes > BODY_LIMIT_BYTES) throw new BodyTooLarge();
  return Buffer.concat(chunks);
}

class BodyTooLarge extends Error {}

/**
 * Reports a bug of the simulator: the client gets a 500, the operator the error. A client that
 * disconnects or sends too much is not a bug.
 */
function fail(response: ServerResponse, error: unknown): void {
  // Checks the socket and not the request, which Node destroys as soon as its body has been read.
  if (response.destroyed || response.req.socket.destroyed) return;
  const isTooLarge = error instanceof BodyTooLarge;
  if (!isTooLarge)
    process.stderr.write(
      `simulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  const reply = isTooLarge
    ? platformError(413, 'Request Entity Too Large', 'uploadTooLarge')
    : backendError();
  if (!response.headersSent)
    response.writeHead(reply.status, { 'Content-Type': reply.contentType });
  response.end(reply.body);
}
