/**
 * Access tokens. They are valid for an hour and cost a call, so they are cached in this process
 * and, sealed, in Redis for the whole fleet. One refresh per account is in flight at a time: within
 * the process by a shared promise, in the fleet by a lock, because Google limits live tokens and
 * throttles the endpoint. Redis only saves work here: when it is away, every process refreshes on
 * its own.
 */
import path from 'node:path';
import { loadScript, type RedisConnection, type Runtime } from '@syncline/runtime';
import { classifyToken } from './classify.js';
import { type ClientMark, openClientMark } from './client-mark.js';
import { GoogleError, type GoogleErrorKind } from './errors.js';
import { exchangeGrant, type UsableGrant } from './grant-exchange.js';
import { askTokenInfo, type GrantOwner } from './owner.js';
import { isTransientRedisError, refuseUnlessReady, runScript } from './redis.js';
import { REFRESH } from './refresh-token.js';
import { accessTokenKeyOf, tokenKeysOf } from './shared-tokens.js';
import { type StoredGrant, type TokenStore, withoutGrant } from './stored-grant.js';
import type { Transport } from './transport.js';

export interface Tokens {
  /**
   * @param version the oldest acceptable version of the grant; any when omitted
   * @throws GoogleError `unauthorized` when the grant is dead, `forbidden` when the client is
   * refused, `unavailable` when Google's token endpoint is not available
   */
  access(accountId: string, version?: number): Promise<string>;
  /** Refreshes despite earlier refusals, clearing their marks on success. Throws like `access`. */
  tryAgain(accountId: string): Promise<void>;
  /** Returns the owner of the grant whose token `access` returns. Throws like `access`. */
  owner(accountId: string, version?: number): Promise<GrantOwner>;
  /**
   * Drops all cached state of the grant, including that it is dead. With `token`, drops only that
   * access token, and only if no other process has renewed it meanwhile.
   */
  forget(accountId: string, token?: string): Promise<void>;
  revoke(accountId: string): Promise<RevokedGrant>;
}

/**
 * `unreadable`: the refresh token cannot be decrypted, so Google was not called. `delegated`: a
 * service account acts for the account, so there is nothing to revoke.
 */
export type RevokedGrant = 'revoked' | 'already-gone' | 'unreadable' | 'delegated';

export interface TokenOptions {
  prefix: string;
  origin: string;
  /** The project whose client refreshes. Another client must not use the account's token. */
  project: string;
  clientId: string;
  clientSecret: string;
  store: TokenStore;
}

interface Keeper {
  rt: Runtime;
  redis: RedisConnection;
  transport: Transport;
  options: TokenOptions;
  kept: Map<string, Access & { untilMs: number }>;
  inFlight: Map<string, Promise<string>>;
  /** The access token of each account that Google rejected last; Redis may still have it. */
  rejected: Map<string, string>;
  /** The owner of each access token, where it is known. */
  owners: Map<string, { token: string; owner: GrantOwner }>;
  /** Grants that Google reported as dead; kept here as well, for when Redis is away. */
  dead: Map<string, { version: number; untilMs: number }>;
  client: ClientMark;
}

interface Access {
  token: string;
  /** The version of the grant that the token belongs to. */
  version: number;
}

const REVOKE = 'oauth2.revoke';
const KEPT_LIMIT = 10_000;
/** Longer than a refresh usually takes; bounds the wait for a holder that died. */
const LOCK_TTL_MS = 15_000;
const POLL_MS = 100;
const POLLS = 100;
/** How long the fleet treats a grant as dead. All collections of an account fail together. */
const REFUSED_FOR_MS = 60_000;

/** Releases the lock only if the caller still holds it. */
const RELEASE = loadScript(path.join(__dirname, '..', 'lua'), ['tokens/release-lock']);

export function openTokens(
  rt: Runtime,
  redis: RedisConnection,
  transport: Transport,
  options: TokenOptions,
): Tokens {
  const keeper: Keeper = {
    rt,
    redis,
    transport,
    options,
    kept: new Map(),
    inFlight: new Map(),
    rejected: new Map(),
    owners: new Map(),
    dead: new Map(),
    client: openClientMark(rt, redis, options),
  };
  return {
    access: (accountId, version = 0) => access(keeper, accountId, version),
    tryAgain: async (accountId) => void (await refresh(keeper, accountId, true)),
    owner: (accountId, version = 0) => owner(keeper, accountId, version),
    forget: (accountId, token) => forget(keeper, accountId, token),
    revoke: (accountId) => revoke(keeper, accountId),
  };
}

async function access(keeper: Keeper, accountId: string, version: number): Promise<string> {
  const kept = keeper.kept.get(accountId);
  if (kept && isUsable(keeper, accountId, kept, version) && kept.untilMs > keeper.rt.clock.nowMs())
    return kept.token;
  // A caller that knows a newer grant must not get an access token of an older one.
  const key = `${accountId} ${version}`;
  // Not bound to one caller's signal, because others wait too. Each step is bounded.
  const running =
    keeper.inFlight.get(key) ??
    obtain(keeper, accountId, version).finally(() => keeper.inFlight.delete(key));
  keeper.inFlight.set(key, running);
  return running;
}

/** Asks Google when another process refreshed, because this one does not know the owner then. */
async function owner(keeper: Keeper, accountId: string, version: number): Promise<GrantOwner> {
  const token = await access(keeper, accountId, version);
  const known = keeper.owners.get(accountId);
  if (known?.token === token) return known.owner;
  const answered = await askTokenInfo(keeper.transport, keeper.options.origin, token);
  putBounded(keeper.owners, accountId, { token, owner: answered });
  return answered;
}

/**
 * Takes the fleet's cached token, refreshes under the lock, or awaits another process's refresh.
 */
async function obtain(keeper: Keeper, accountId: string, version: number): Promise<string> {
  const holder = keeper.rt.random.uuid();
  for (let poll = 0; poll < POLLS; poll += 1) {
    const shared = await readShared(keeper, accountId, version);
    if (shared) return shared;
    const lock = await takeLock(keeper, accountId, holder);
    if (lock === 'redis-away') break;
    if (lock === 'taken') return refreshUnderLock(keeper, accountId, version, holder);
    await keeper.rt.clock.sleep(POLL_MS);
  }
  return refresh(keeper, accountId, false);
}

/** Reads the cache again first: the lock's last holder may have just finished. */
async function refreshUnderLock(
  keeper: Keeper,
  accountId: string,
  version: number,
  holder: string,
): Promise<string> {
  try {
    return (
      (await readShared(keeper, accountId, version)) ?? (await refresh(keeper, accountId, false))
    );
  } finally {
    await releaseLock(keeper, accountId, holder);
  }
}

/** @param anyway whether to call Google although it recently refused this grant or the client */
async function refresh(keeper: Keeper, accountId: string, anyway: boolean): Promise<string> {
  const { options, rt } = keeper;
  const stored = await options.store.grant(accountId, options.project);
  if (stored.kind !== 'stored' && stored.kind !== 'delegated') throw withoutGrant(stored);
  const { version } = stored;
  const usesClient = stored.kind === 'stored';
  if (!anyway) {
    await throwIfRefused(keeper, accountId, version);
    if (usesClient) await keeper.client.throwIfRefused();
  }
  const exchanged = await exchangeGrant(keeper.transport, options, stored, rt.clock.nowMs());
  if (exchanged.kind === 'refused')
    throw await refused(keeper, accountId, { stored, anyway, detail: exchanged.detail });
  const grant = exchanged.refreshed;
  if (usesClient) await keeper.client.noteAcceptance(anyway);
  rt.metrics.tokenRefreshes.inc({ outcome: 'refreshed' });
  if (usesClient) await keepRotated(keeper, accountId, stored, grant.refreshToken);
  if (grant.owner) putBounded(keeper.owners, accountId, { token: grant.token, owner: grant.owner });
  await keep(keeper, accountId, { token: grant.token, version }, grant.livesMs);
  return grant.token;
}

/** Stores the refresh token with which Google has replaced the one that was used. */
async function keepRotated(
  { options }: Keeper,
  accountId: string,
  { refreshToken, version }: Extract<StoredGrant, { kind: 'stored' }>,
  rotated: string | null,
): Promise<void> {
  if (rotated === null || rotated === refreshToken) return;
  const kept = await options.store.rotated?.(accountId, rotated, version);
  if (typeof kept === 'object') throw withoutGrant(kept);
}

/** A mark is for one version: an import is another attempt, even with the same refresh token. */
async function throwIfRefused(keeper: Keeper, accountId: string, version: number): Promise<void> {
  const marked = await ifRedisAnswers(keeper, (redis) =>
    redis.get(refusedKeyOf(keeper, accountId)),
  );
  const dead = keeper.dead.get(accountId);
  const here = dead?.version === version && dead.untilMs > keeper.rt.clock.nowMs();
  if (here || marked === String(version))
    throw new GoogleError(REFRESH, { kind: 'unauthorized', reason: 'invalid_grant' });
}

async function refused(
  keeper: Keeper,
  accountId: string,
  o: {
    stored: { kind: UsableGrant['kind']; version: number };
    anyway: boolean;
    detail: GoogleErrorKind;
  },
): Promise<GoogleError> {
  const { stored, anyway, detail } = o;
  keeper.rt.metrics.tokenRefreshes.inc({ outcome: detail.kind });
  if (detail.kind === 'unauthorized') {
    putBounded(keeper.dead, accountId, {
      version: stored.version,
      untilMs: keeper.rt.clock.nowMs() + REFUSED_FOR_MS,
    });
    await ifRedisAnswers(keeper, (redis) =>
      redis.set(refusedKeyOf(keeper, accountId), String(stored.version), 'PX', REFUSED_FOR_MS),
    );
  }
  if (stored.kind === 'stored') await keeper.client.noteRefusal(detail, anyway);
  return new GoogleError(REFRESH, detail);
}

async function keep(
  keeper: Keeper,
  accountId: string,
  { token, version }: Access,
  livesMs: number,
): Promise<void> {
  if (livesMs === 0) return;
  const untilMs = keeper.rt.clock.nowMs() + livesMs;
  putBounded(keeper.kept, accountId, { token, version, untilMs });
  const sealed = keeper.options.store.seal(accountId, `${version} ${token}`);
  await ifRedisAnswers(keeper, (redis) =>
    redis.set(keyOf(keeper, accountId), sealed, 'PX', livesMs),
  );
}

async function readShared(
  keeper: Keeper,
  accountId: string,
  version: number,
): Promise<string | null> {
  const key = keyOf(keeper, accountId);
  const [sealed, livesMs] = (await ifRedisAnswers(keeper, (redis) =>
    Promise.all([redis.get(key), redis.pttl(key)]),
  )) ?? [null, 0];
  if (sealed === null || livesMs <= 0) return null;
  const shared = unsealed(keeper, accountId, sealed);
  if (shared === null || !isUsable(keeper, accountId, shared, version)) return null;
  putBounded(keeper.kept, accountId, {
    ...shared,
    untilMs: keeper.rt.clock.nowMs() + livesMs,
  });
  return shared.token;
}

/** Returns null when sealed with another key. A rotated master key costs a refresh per account. */
function unsealed(keeper: Keeper, accountId: string, sealed: string): Access | null {
  try {
    const [version, token] = keeper.options.store.open(accountId, sealed).split(' ');
    return token === undefined ? null : { token, version: Number(version) };
  } catch (err) {
    keeper.rt.log.debug(
      { event: 'shared_token_unreadable', accountId, err },
      'a shared access token cannot be opened; it is refreshed',
    );
    return null;
  }
}

function isUsable(
  keeper: Keeper,
  accountId: string,
  { token, version }: Access,
  oldest: number,
): boolean {
  return version >= oldest && token !== keeper.rejected.get(accountId);
}

async function forget(keeper: Keeper, accountId: string, token?: string): Promise<void> {
  if (token !== undefined) putBounded(keeper.rejected, accountId, token);
  if (token === undefined || keeper.kept.get(accountId)?.token === token)
    keeper.kept.delete(accountId);
  if (token === undefined) keeper.dead.delete(accountId);
  const key = keyOf(keeper, accountId);
  if (token !== undefined) {
    const sealed = await ifRedisAnswers(keeper, (redis) => redis.get(key));
    const shared = sealed ? unsealed(keeper, accountId, sealed) : null;
    if (shared !== null && shared.token !== token) return;
  }
  await ifRedisAnswers(keeper, (redis) =>
    token === undefined ? redis.del(key, refusedKeyOf(keeper, accountId)) : redis.del(key),
  );
}

/** Ends the grant at Google. A grant that Google no longer knows is reported as already gone. */
async function revoke(keeper: Keeper, accountId: string): Promise<RevokedGrant> {
  const stored = await keeper.options.store.grant(accountId);
  if (stored.kind === 'key-missing') throw withoutGrant(stored);
  await forget(keeper, accountId);
  if (stored.kind === 'delegated') return 'delegated';
  if (stored.kind === 'none') return 'already-gone';
  if (stored.kind === 'unreadable') return 'unreadable';
  // In the body (RFC 7009), because a URL would be written to the logs of intermediaries.
  const body = new URLSearchParams({ token: stored.refreshToken }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await keeper.transport.exchange({
    method: REVOKE,
    origin: keeper.options.origin,
    verb: 'POST',
    path: '/revoke',
    headers,
    body,
  });
  if (answer.status === 200) return 'revoked';
  const detail = classifyToken(answer.status, answer.body.toString('utf8'));
  if (
    detail.kind === 'unauthorized' ||
    (detail.kind === 'rejected' && detail.reason === 'invalid_token')
  )
    return 'already-gone';
  throw new GoogleError(REVOKE, detail);
}

async function takeLock(
  keeper: Keeper,
  accountId: string,
  holder: string,
): Promise<'taken' | 'held' | 'redis-away'> {
  const lock = `${keyOf(keeper, accountId)}:lock`;
  const reply = await ifRedisAnswers(keeper, async (redis) => ({
    set: await redis.set(lock, holder, 'PX', LOCK_TTL_MS, 'NX'),
  }));
  if (reply === null) return 'redis-away';
  return reply.set === 'OK' ? 'taken' : 'held';
}

async function releaseLock(keeper: Keeper, accountId: string, holder: string): Promise<void> {
  await ifRedisAnswers(keeper, (redis) =>
    runScript(redis, RELEASE, [`${keyOf(keeper, accountId)}:lock`], [holder]),
  );
}

/**
 * Returns null for Redis's transient errors: Redis only saves work here, and the connection's
 * handler logs the error.
 */
async function ifRedisAnswers<T>(
  { redis }: Keeper,
  ask: (redis: RedisConnection) => Promise<T>,
): Promise<T | null> {
  try {
    refuseUnlessReady(redis);
    return await ask(redis);
  } catch (error) {
    if (!isTransientRedisError(error)) throw error;
    return null;
  }
}

function keyOf(keeper: Keeper, accountId: string): string {
  return accessTokenKeyOf(keeper.options, accountId);
}

function refusedKeyOf(keeper: Keeper, accountId: string): string {
  return `${tokenKeysOf(keeper.options, accountId)}:dead-grant`;
}

/** Maps keep insertion order: re-inserting moves to the end, so the first key is the oldest. */
function putBounded<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > KEPT_LIMIT && !oldest.done) map.delete(oldest.value);
}
