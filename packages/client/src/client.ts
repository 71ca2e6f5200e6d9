/** The client: a method for each operation, and iterations over change feeds. */
import { bootstrap, type BootstrapOptions, type MirrorItem } from './bootstrap.js';
import { openCaller, type HttpClient } from './call.js';
import type { Entity } from './entities.js';
import type { Surroundings } from './exchange.js';
import { accountFeed, type AccountFeed, type FollowOptions } from './feed.js';
import { followAll, type FollowAllOptions } from './feed-all.js';
import type { FeedEvent } from './feed-position.js';
import type { Operations, TenantChange } from './generated/operations.js';
import { operationsOf } from './operations.js';

export interface ClientOptions {
  /** The address of the API: `http://127.0.0.1:3000`. */
  url: string;
  /** An API key: `synk_…`. */
  key: string;
  /** Attempts after the first, of requests that may be repeated; default 4. */
  maxRetries?: number;
  /** The time of one attempt; default 40 s, which is more than the API takes. */
  timeoutMs?: number;
  /** Default: the platform's. */
  fetch?: typeof fetch;
}

export interface Client extends Operations {
  /**
   * Gives the changes of an account after a position, each once and in order, until the signal is
   * aborted. Failures that pass are waited for.
   * @throws SynclineProblem `epoch-changed` or `feed-pruned` where the reader has to list again
   */
  follow(account: string, options?: FollowOptions): AsyncGenerator<FeedEvent, void, undefined>;
  /**
   * Gives the changes of all accounts of the key's tenant, or of every tenant, after a place: those
   * of each account once and in order. Each has its `position`.
   * @throws SynclineProblem `epoch-changed` or `feed-pruned` where the reader has to list again
   */
  followAll(options?: FollowAllOptions): AsyncGenerator<TenantChange, void, undefined>;
  /** The change feed of an account, several events at a time; `consume` reads it. */
  feed(account: string): AccountFeed;
  /**
   * Lists the rows of an account, then gives its changes. Where the feed cannot be continued it
   * begins again.
   */
  bootstrap<E extends Entity = Entity>(
    account: string,
    options?: BootstrapOptions<E>,
  ): AsyncGenerator<MirrorItem<E>, void, undefined>;
  /** Requests by method and path, typed by the OpenAPI document (openapi-fetch). */
  readonly http: HttpClient;
}

const MAX_RETRIES = 4;
const TIMEOUT_MS = 40_000;

/** @throws TypeError when `url` or `key` is none */
export function createClient(options: ClientOptions): Client {
  const { url, key, maxRetries = MAX_RETRIES, timeoutMs = TIMEOUT_MS } = options;
  if (!/^[\x21-\x7e]+$/.test(key)) throw new TypeError('key must be an API key');
  const around = surroundings(options.fetch ?? fetch);
  const caller = openCaller(around, { url, key, maxRetries, timeoutMs });
  const api = operationsOf(caller);
  const feed = (account: string): AccountFeed => accountFeed({ caller, around }, account);
  return {
    ...api,
    http: caller.http,
    feed,
    followAll: (given) => followAll({ caller, around }, given ?? {}),
    follow: (account, given) => eventsOf(feed(account), given),
    bootstrap: (account, given) => bootstrap({ api, feed: feed(account) }, given ?? {}),
  };
}

async function* eventsOf(
  feed: AccountFeed,
  options: FollowOptions | undefined,
): AsyncGenerator<FeedEvent, void, undefined> {
  for await (const { events } of feed.batches(options)) yield* events;
}

function surroundings(given: typeof fetch): Surroundings {
  return {
    fetch: (request, init) => given(request, init),
    random: Math.random,
    nowMs: Date.now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const abort = (): void => {
          clearTimeout(timer);
          reject(signal?.reason as Error);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', abort);
          resolve();
        }, ms);
        if (signal?.aborted === true) abort();
        else signal?.addEventListener('abort', abort, { once: true });
      }),
  };
}
