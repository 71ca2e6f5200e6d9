import type { Scope } from '@syncline/contract/scopes';
import { type Runtime, describeError } from '@syncline/runtime';
import type { ApiKeys } from '@syncline/store';
import { isKey, keyIdOf } from './key.js';

/** Who sends a request. */
export interface Caller {
  keyId: string;
  /** Null: every tenant. */
  tenant: string | null;
  scopes: ReadonlySet<Scope>;
  /** When the key ends; null: never. */
  expiresAt: Date | null;
}

/** Why a key is not accepted. Clients get one answer for all of them. */
export type KeyRefusal = 'malformed' | 'unknown' | 'wrong-secret' | 'revoked-or-expired';

export interface KeyCheck {
  /** @param key the bearer token of a request */
  check(
    key: string,
  ): Promise<{ kind: 'known'; caller: Caller } | { kind: 'refused'; why: KeyRefusal }>;
}

/** A revoked key is refused after this time everywhere. */
const CACHED_MS = 5_000;
/** Unknown ids are cached too, so that guessing does not query the database for each guess. */
const CACHE_LIMIT = 10_000;
const USE_NOTED_EVERY_MS = 60_000;

type Found = Awaited<ReturnType<ApiKeys['find']>>;

/** Checks keys, with a cache of `CACHED_MS`. */
export function openKeyCheck(
  rt: Pick<Runtime, 'clock' | 'log'>,
  { store }: { store: { apiKeys: Pick<ApiKeys, 'find' | 'noteUse'> } },
): KeyCheck {
  const cache = new Map<string, { found: Promise<Found>; untilMs: number }>();
  const notedMs = new Map<string, number>();
  const find = (id: string): Promise<Found> => {
    const nowMs = rt.clock.nowMs();
    const cached = cache.get(id);
    if (cached !== undefined && nowMs < cached.untilMs) return cached.found;
    const found = store.apiKeys.find(id);
    // A failure is not cached.
    found.catch(() => cache.delete(id));
    cache.delete(id);
    cache.set(id, { found, untilMs: nowMs + CACHED_MS });
    shorten(cache);
    return found;
  };
  const noteUse = (id: string): void => {
    const nowMs = rt.clock.nowMs();
    if (nowMs - (notedMs.get(id) ?? -Infinity) < USE_NOTED_EVERY_MS) return;
    notedMs.delete(id);
    notedMs.set(id, nowMs);
    shorten(notedMs);
    store.apiKeys.noteUse([id]).catch((error: unknown) => {
      rt.log.debug(
        { event: 'api_key_use_not_noted', reason: describeError(error) },
        'the use of an API key could not be recorded',
      );
    });
  };
  return {
    check: async (key) => {
      const id = keyIdOf(key);
      if (id === null) return { kind: 'refused', why: 'malformed' };
      const found = await find(id);
      if (found === null) return { kind: 'refused', why: 'unknown' };
      if (!isKey(key, found.hash)) return { kind: 'refused', why: 'wrong-secret' };
      if (!isLive(found, rt.clock.nowMs())) return { kind: 'refused', why: 'revoked-or-expired' };
      noteUse(id);
      const { tenant, scopes, expiresAt } = found;
      return {
        kind: 'known',
        caller: { keyId: id, tenant, scopes: new Set(scopes as Scope[]), expiresAt },
      };
    },
  };
}

/** A key that expires while it is cached is refused at once. */
function isLive({ isLive: wasLive, expiresAt }: NonNullable<Found>, nowMs: number): boolean {
  return wasLive && (expiresAt === null || nowMs < expiresAt.getTime());
}

/** Removes the oldest entries beyond the limit. */
function shorten(map: Map<string, unknown>): void {
  for (const id of map.keys()) {
    if (map.size <= CACHE_LIMIT) return;
    map.delete(id);
  }
}
