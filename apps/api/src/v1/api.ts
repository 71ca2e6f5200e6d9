/**
 * The HTTP API: takes a request through its route's entry in the table, and answers with JSON or a
 * problem. Errors are answered here; no stack trace leaves the process.
 */
import {
  isIdempotent,
  ROUTES,
  type Mistake,
  type Route,
  type RouteProblem,
} from '@syncline/contract';
import type { Caller, KeyCheck } from '@syncline/control/api-keys';
import { must, OwnError, type Runtime } from '@syncline/runtime';
import {
  iterateWithRowAccess,
  withActor,
  withRowAccess,
  type NamedAccount,
  type RowAccess,
  type Store,
} from '@syncline/store';
import type { Request as HttpRequest, RequestHandler, Response } from 'express';
import { exactPath } from '../exact-routes.js';
import { authenticate, type Authentication } from './authenticate.js';
import { readBody, type Body } from './body.js';
import type { AnyAnswer, AnyHandler, AnyStream, Handlers } from './handler.js';
import { isIdempotencyKey, runOnce } from './idempotency.js';
import { checkInput, checkParams, type ParsedInput } from './input.js';
import { matcherOf, type Entry, type Match } from './match.js';
import type { RateLimits } from './rate-limit.js';
import { problemReply, type Refusal, type Reply } from './reply.js';
import { requestId } from './request-id.js';
import type { Streams } from './streams.js';
import { write, writeStream } from './write.js';

export interface ApiDeps {
  store: Pick<Store, 'idempotency' | 'unavailable'> & { accounts: Pick<Store['accounts'], 'find'> };
  keys: KeyCheck;
  limits: RateLimits;
  streams: Streams;
  handlers: Handlers;
}

/** Longest time of a request; `wait` ends before. */
const REQUEST_LIMIT_MS = 30_000;

class TookTooLong extends OwnError {}

/** A request on its way through the API. */
interface Passing {
  id: string;
  request: HttpRequest;
  entry: Entry;
  match: Match;
  /** Aborted when the client has gone. */
  gone: AbortSignal;
}

/** Answers the paths of the route table, and everything else below `/v1/`. */
export function apiRoutes(rt: Runtime, deps: ApiDeps): RequestHandler {
  const match = matcherOf(ROUTES);
  return async (request, response, next) => {
    const path = exactPath(request);
    const found = match(path);
    if (found === null && !path.startsWith('/v1/')) return next();
    const begunMs = rt.clock.nowMs();
    const id = requestId(begunMs);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const entry = found?.methods.get(method);
    const gone = new AbortController();
    response.once('close', () => gone.abort(new Error('the client has gone')));
    const reply =
      found === null || entry === undefined
        ? problemReply(refusalOf(found), id)
        : await answer(rt, deps, { id, request, entry, match: found, gone: gone.signal });
    send(rt, deps, { request, response, id }, reply);
    rt.metrics.apiSeconds.observe(
      { route: entry?.id ?? 'none', status: String(response.statusCode) },
      (rt.clock.nowMs() - begunMs) / 1_000,
    );
  };
}

/** Writes an answer; a stream is written beside. */
function send(
  rt: Runtime,
  { streams }: Pick<ApiDeps, 'streams'>,
  exchange: { request: HttpRequest; response: Response; id: string },
  reply: Reply,
): void {
  if (reply.stream === undefined) return write(rt, exchange, reply);
  const stream = exchange.request.method === 'HEAD' ? null : streams.open(reply.stream);
  if (stream === null) {
    reply.stream.release?.();
    const isHead = exchange.request.method === 'HEAD';
    return write(rt, exchange, isHead ? reply : tooManyStreams(reply, exchange.id));
  }
  void writeStream(exchange, reply, stream);
}

function tooManyStreams({ headers }: Reply, id: string): Reply {
  const refused = problemReply(
    {
      problem: 'too-many-streams',
      detail: 'Close a stream, or ask for pages with `wait`.',
      headers: { 'Retry-After': '5' },
    },
    id,
  );
  return { ...refused, headers: { ...headers, ...refused.headers } };
}

function refusalOf(found: Match | null): Refusal {
  if (found === null) return { problem: 'not-found' };
  const methods = [...found.methods.keys()];
  const allowed = methods.includes('GET') ? ['HEAD', ...methods] : methods;
  return { problem: 'method-not-allowed', headers: { Allow: allowed.sort().join(', ') } };
}

async function answer(rt: Runtime, deps: ApiDeps, passing: Passing): Promise<Reply> {
  const late = new AbortController();
  const answering = answerInTime(rt, deps, passing);
  try {
    return await Promise.race([
      answering,
      rt.clock.sleep(REQUEST_LIMIT_MS, late.signal).then(() => {
        throw new TookTooLong(`the request took longer than ${REQUEST_LIMIT_MS / 1_000} s`);
      }),
    ]);
  } catch (error) {
    // What comes too late is not sent.
    void answering.then(
      ({ stream }) => stream?.release?.(),
      () => undefined,
    );
    return problemReply(failure(rt, deps, passing, error), passing.id);
  } finally {
    late.abort(new Error('answered'));
  }
}

function failure(rt: Runtime, { store }: ApiDeps, { id, entry }: Passing, error: unknown): Refusal {
  const { id: route } = entry;
  if (error instanceof TookTooLong || store.unavailable(error) !== null) {
    rt.log.warn(
      { event: 'api_unavailable', route, requestId: id, err: error },
      'a request could not be answered now',
    );
    return { problem: 'unavailable', headers: { 'Retry-After': '1' } };
  }
  rt.log.error(
    { event: 'api_request_failed', route, requestId: id, err: error },
    'a request of the HTTP API failed',
  );
  return { problem: 'internal' };
}

async function answerInTime(rt: Runtime, deps: ApiDeps, passing: Passing): Promise<Reply> {
  const { id, request, entry } = passing;
  const { route } = entry;
  const media = request.accepts(mediaOf(route));
  if (media === false) return problemReply({ problem: 'not-acceptable' }, id);
  if (route.scope === null) return handled(deps, { ...passing, media }, null);
  const known = await authenticate(
    rt,
    deps,
    {
      authorization: request.headers.authorization,
      address: request.socket.remoteAddress ?? '',
    },
    route,
  );
  const reply =
    known.kind === 'refused'
      ? problemReply(known.refusal, id)
      : await handled(deps, { ...passing, media }, known);
  return known.kind === 'refused'
    ? reply
    : { ...reply, headers: { ...known.headers, ...reply.headers } };
}

function mediaOf(route: Route): string[] {
  return Object.values(route.answers).flatMap(({ media, streams }) => [
    media ?? 'application/json',
    ...Object.keys(streams ?? {}),
  ]);
}

type Known = Extract<Authentication, { kind: 'known' }>;

async function handled(
  deps: ApiDeps,
  { id, request, entry, match, media, gone }: Passing & { media: string },
  known: Known | null,
): Promise<Reply> {
  const { route } = entry;
  const body = await readBody(request, route);
  if (body.kind === 'refused') return problemReply(body.refusal, id);
  const params = checkParams(route, match.params);
  if (params === null) return problemReply({ problem: 'not-found' }, id);
  const { headers } = request;
  const checked = checkInput(route, { search: searchOf(request), headers, body });
  const key = idempotencyKeyOf(request, route);
  const mistakes = key === null ? [] : keyMistakes(key, body);
  const errors = [...checked.errors, ...mistakes];
  if (errors.length > 0) return problemReply({ problem: 'invalid-request', errors }, id);
  const { input } = checked;
  const run = (): Promise<Reply> =>
    runHandler(deps, entry, { params, ...input, media, known, gone }, id);
  if (known === null || key === null) return run();
  const text = body.kind === 'json' ? body.text : '';
  const { method, originalUrl: target } = request;
  const { apiKey, caller } = known;
  const sealing = route.holdsSecret === true ? { apiKey, idempotencyKey: key } : null;
  const once = { keyId: caller.keyId, key, method, target, body: text, sealing };
  return runOnce(deps, once, id, run);
}

function keyMistakes(key: string, body: Body): Mistake[] {
  if (key === 'mistaken') return [MISTAKEN_KEY];
  return body.kind === 'lines' ? [NO_KEY_OF_LINES] : [];
}

const NO_KEY_OF_LINES: Mistake = {
  in: 'header',
  path: 'Idempotency-Key',
  message: 'is not taken with lines, each of which may be repeated',
};
const MISTAKEN_KEY: Mistake = {
  in: 'header',
  path: 'Idempotency-Key',
  message: 'must be 1 to 255 visible ASCII characters',
};

/** Returns null where the request has none, or the route takes none. */
function idempotencyKeyOf({ headers }: HttpRequest, route: Route): string | null {
  const key = headers['idempotency-key'];
  if (typeof key !== 'string' || !isIdempotent(route)) return null;
  return isIdempotencyKey(key) ? key : 'mistaken';
}

function searchOf({ originalUrl }: HttpRequest): string {
  const at = originalUrl.indexOf('?');
  return at < 0 ? '' : originalUrl.slice(at + 1);
}

type Parsed = ParsedInput & {
  params: Record<string, unknown>;
  media: string;
  known: Known | null;
  gone: AbortSignal;
};

async function runHandler(
  deps: ApiDeps,
  { id: routeId, route }: Entry,
  { known, ...input }: Parsed,
  instance: string,
): Promise<Reply> {
  const handler = (deps.handlers as unknown as Record<string, AnyHandler>)[routeId];
  if (handler === undefined) throw new Error(`the route ${routeId} has no handler`);
  const caller = known?.caller ?? null;
  const ofCaller = accessOf(caller, null);
  const found = await withRowAccess(ofCaller, () => accountOf(deps, route, { ...input, caller }));
  if (found === 'not-found') return problemReply({ problem: 'not-found' }, instance);
  const access = accessOf(caller, found);
  const handle = (): ReturnType<AnyHandler> => handler({ ...input, caller, account: found });
  const answered = await withRowAccess(access, () => actingAs(caller, route, handle));
  if ('problem' in answered) return problemReply(refusalFrom(answered), instance);
  return 'stream' in answered ? streamReply(answered, known, access) : replyOf(route, answered);
}

/** Reads cause no transition of an account, and their transactions name nobody. */
function actingAs<T>(caller: Caller | null, { method }: Route, handle: () => T): T {
  if (caller === null || method === 'GET') return handle();
  return withActor({ kind: 'key', id: caller.keyId }, handle);
}

/** A route without a key reads no rows. */
function accessOf(caller: Caller | null, account: NamedAccount | null): RowAccess {
  const tenant = caller === null ? '' : caller.tenant;
  return { tenant, accountId: account?.id ?? null };
}

function refusalFrom({ retryAfterS, ...refusal }: RouteProblem<Route>): Refusal {
  return retryAfterS === undefined
    ? refusal
    : { ...refusal, headers: { 'Retry-After': String(retryAfterS) } };
}

/** An account of another tenant is not found. */
async function accountOf(
  { store }: ApiDeps,
  route: Route,
  { params, query, body, caller }: Omit<Parsed, 'known'> & { caller: Caller | null },
): Promise<NamedAccount | null | 'not-found'> {
  const named = {
    params: params['id'],
    query: query['account'],
    body: Object(body).account as unknown,
  };
  const id = route.accountIn === undefined ? undefined : named[route.accountIn];
  if (typeof id !== 'string') return null;
  const account = await store.accounts.find(id);
  if (account === null || caller === null) return 'not-found';
  return caller.tenant === null || caller.tenant === account.tenant ? account : 'not-found';
}

function replyOf(route: Route, { status, body, headers }: AnyAnswer): Reply {
  const media = route.answers[status]?.media ?? 'application/json';
  const isText = media !== 'application/json';
  return {
    status,
    headers: { 'Content-Type': media, ...headers },
    body: isText ? (body as string | Buffer) : JSON.stringify(body),
  };
}

function streamReply(
  { status, media, stream: bytes, headers, release }: AnyStream,
  known: Known | null,
  access: RowAccess,
): Reply {
  const { caller, isKeyValid } = must(known, 'a route with streams has a scope');
  return {
    status,
    headers: {
      'Content-Type': media,
      'Cache-Control': 'no-store, no-transform',
      // nginx would hold the events back.
      'X-Accel-Buffering': 'no',
      ...headers,
    },
    body: '',
    stream: {
      bytes: (signal) => iterateWithRowAccess(access, bytes(signal)),
      keyId: caller.keyId,
      isKeyValid,
      release,
    },
  };
}
