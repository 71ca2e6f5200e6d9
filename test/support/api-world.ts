import { randomBytes, randomUUID } from 'node:crypto';
import { ROUTES, type RouteId } from '@syncline/contract';
import { SCOPES, type Scope } from '@syncline/contract/scopes';
import { createApiKey, openKeyCheck } from '@syncline/control/api-keys';
import { openFreshReads } from '@syncline/control/fresh-reads';
import { openFleet, type FeedHints, type Fleet } from '@syncline/fleet';
import type { Google } from '@syncline/google';
import { loadConfig, must, type Runtime } from '@syncline/runtime';
import { openApiStore, openStore, type RequestedCollection, type Store } from '@syncline/store';
import type { RequestHandler } from 'express';
import type { ConnectParts } from '../../apps/api/src/connect/open.js';
import { connectRoutes } from '../../apps/api/src/connect/routes.js';
import { publicApp } from '../../apps/api/src/public-app.js';
import { openHandlers, type HandlerDeps } from '../../apps/api/src/routes/index.js';
import { apiRoutes, type ApiDeps } from '../../apps/api/src/v1/api.js';
import { matcherOf } from '../../apps/api/src/v1/match.js';
import { openRateLimits, type RateLimits } from '../../apps/api/src/v1/rate-limit.js';
import { openSlots, type Slots } from '../../apps/api/src/v1/slots.js';
import { openStreams, type StreamLimits } from '../../apps/api/src/v1/streams.js';
import { checkAnswer, type ApiAnswer } from './api-contract.js';
import { apiUrlOf, redisUrl, testDatabase, testRuntime, type TestDatabase } from './database.js';
import { listenForTest } from './listener.js';

export interface ApiRequest {
  key?: string | null;
  /** Sent as JSON, unless it is a text. */
  body?: unknown;
  headers?: Record<string, string>;
}

/**
 * The HTTP API on a database of its own, reading under a role of its own. Every answer is compared
 * with the document.
 */
export interface ApiWorld {
  rt: Runtime;
  database: TestDatabase;
  /** The store of the tables' owner. */
  store: Store;
  /** The API's own. */
  apiStore: Store;
  masterKey: Buffer;
  /** Messages between processes that feeds have grown. */
  hints: FeedHints;
  port: number;
  origin: string;
  /** Makes a key; by default of every tenant and with every scope. */
  key(o?: {
    tenant?: string | null;
    scopes?: readonly Scope[];
    expiresInMs?: number | null;
  }): Promise<string>;
  /** Imports an account. @returns its id */
  account(o: { email: string; tenant: string }): Promise<string>;
  send(method: string, path: string, request?: ApiRequest): Promise<ApiAnswer>;
  close(): Promise<void>;
}

export interface ApiWorldOptions {
  /** Requests of a key, and failed authentications of an address, a minute; default: no limit. */
  rateLimit?: number;
  failureLimit?: number;
  streamLimits?: Partial<StreamLimits>;
  /** Changes what the API is made of, to make it fail. */
  bend?: (deps: ApiDeps) => ApiDeps;
  /** Replaces the API's own store, to observe what it reads. */
  observed?: (store: Store) => Store;
  /** An existing world, whose database is used. */
  on?: Pick<ApiWorld, 'rt' | 'database' | 'store' | 'masterKey'>;
  /** Sessions of the API's reads; default 4. */
  readPoolSize?: number;
  google?: Google;
  /** For connect sessions and their pages; they need `google`. */
  connect?: ConnectParts;
  slots?: Slots;
  /** Takes the syncs that reads request; default: nobody makes them. */
  hint?: (requested: readonly RequestedCollection[]) => void;
}

const match = matcherOf(ROUTES);
const PLANNING = loadConfig({ GOOGLE_API_URL: 'http://127.0.0.1:1' }, '/', []);
const NO_LIMIT = 1_000_000_000;

export async function startApi(options: ApiWorldOptions = {}): Promise<ApiWorld> {
  const { rateLimit = NO_LIMIT, failureLimit = NO_LIMIT } = options;
  const { bend = (deps: ApiDeps) => deps } = options;
  const { rt, database, store, masterKey } = options.on ?? (await openBase());
  const { observed = (own: Store) => own } = options;
  const apiStore = observed(await openReading(rt, database, masterKey, options.readPoolSize));
  const prefix = `test-${randomUUID()}`;
  const fleet = await openFleet(rt, {
    redisUrl: redisUrl(),
    redisPrefix: prefix,
    deployment: null,
  });
  const deps: ApiDeps = {
    store: apiStore,
    keys: openKeyCheck(rt, { store: apiStore }),
    limits: openRateLimits(
      { connection: fleet.connection, prefix },
      { requests: rateLimit, failures: failureLimit },
    ),
    streams: openStreams(rt, options.streamLimits),
    handlers: openHandlers(rt, handlerDeps(rt, { store: apiStore, fleet }, options)),
  };
  const api = apiRoutes(rt, bend(deps));
  const pages = pagesOf(rt, { store: apiStore, limits: deps.limits }, options);
  const server = await listenForTest(publicApp(rt, NO_PUSH, [...pages, api]));
  return {
    rt,
    database,
    store,
    apiStore,
    masterKey,
    hints: fleet.feedHints,
    port: server.port,
    origin: server.origin,
    ...makersIn(store),
    send: (method, path, request) => sendTo(server.origin, method, path, request),
    async close() {
      await server.close(rt);
      await fleet.close();
      await apiStore.close();
      if (options.on !== undefined) return;
      await store.close();
      await database.drop();
    },
  };
}

function pagesOf(
  rt: Runtime,
  deps: { store: Store; limits: RateLimits },
  { google, connect }: ApiWorldOptions,
): RequestHandler[] {
  return google && connect ? [connectRoutes(rt, { ...deps, ...connect, google })] : [];
}

function handlerDeps(
  rt: Runtime,
  { store, fleet }: { store: Store; fleet: Fleet },
  { google, connect, hint = () => undefined, slots = openSlots() }: ApiWorldOptions,
): HandlerDeps {
  return {
    store,
    fresh: openFreshReads(rt, { store }, hint),
    hints: fleet.feedHints,
    slots,
    google: google ?? null,
    connect: connect ?? null,
    projects: [],
    planning: PLANNING,
    serverUrl: '/',
    version: '0.0.0',
  };
}

/** What an API works on, unless there is an existing world. */
async function openBase(): Promise<NonNullable<ApiWorldOptions['on']>> {
  const rt = testRuntime();
  const database = await testDatabase();
  const masterKey = randomBytes(32);
  const store = await openStore(rt, { databaseUrl: database.url, masterKey, poolSize: 4 });
  return { rt, database, store, masterKey };
}

const unreachable = (): never => {
  throw new Error('no notification is sent here');
};
const NO_PUSH = {
  notifier: { mailboxes: unreachable, channel: unreachable },
  verifier: null,
  vault: { isChannelToken: () => false },
};

/** Makes keys and accounts by the store of the tables' owner. */
function makersIn(store: Store): Pick<ApiWorld, 'key' | 'account'> {
  return {
    key: async ({ tenant = null, scopes = SCOPES, expiresInMs = null } = {}) => {
      const expiresAt = expiresInMs === null ? null : new Date(Date.now() + expiresInMs);
      const made = await createApiKey({ store }, { name: 'test', scopes, tenant, expiresAt });
      return must(made, 'a test makes fewer than 100 keys').key;
    },
    account: async ({ email, tenant }) =>
      (await store.accounts.import({ email, tenant, refreshToken: `1//${randomUUID()}` })).id,
  };
}

/** @param poolSize sessions of the reads */
function openReading(
  rt: Runtime,
  database: TestDatabase,
  masterKey: Buffer,
  poolSize = 4,
): Promise<Store> {
  return openApiStore(rt, {
    databaseUrl: database.url,
    masterKey,
    poolSize: 4,
    byIndex: true,
    reads: { databaseUrl: apiUrlOf(database), poolSize },
  });
}

function isJson({ headers }: Response): boolean {
  return /^application\/(?:problem\+)?json(?:;|$)/.test(headers.get('content-type') ?? '');
}

async function sendTo(
  origin: string,
  method: string,
  path: string,
  request: ApiRequest = {},
): Promise<ApiAnswer> {
  const { body } = request;
  const answer = await fetch(`${origin}${path}`, {
    method,
    headers: headersOf(request),
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const { status, headers } = answer;
  const text = await answer.text();
  const json: unknown = text === '' || !isJson(answer) ? text : JSON.parse(text);
  const parsed: ApiAnswer = { status, headers, text, json };
  const found = match(path.split('?')[0] ?? '');
  const entry = found?.methods.get(method === 'HEAD' ? 'GET' : method);
  if (entry !== undefined) checkAnswer(entry.id as RouteId, method, parsed);
  return parsed;
}

function headersOf({ key, body, headers }: ApiRequest): Record<string, string> {
  return {
    ...(typeof key === 'string' ? { Authorization: `Bearer ${key}` } : {}),
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...headers,
  };
}
