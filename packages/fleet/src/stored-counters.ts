/**
 * A number that only grows, stored in Redis under a name. A lower value elsewhere shows that an
 * older state was restored there. Losing it proves nothing, and it expires when it has not been
 * raised for a year.
 */
import path from 'node:path';
import { loadScript, type RedisConnection } from '@syncline/runtime';

export interface StoredCounters {
  /** Returns null when no number is stored. */
  read(name: string): Promise<bigint | null>;
  /** A number below the stored one changes nothing. */
  raise(name: string, value: bigint): Promise<void>;
}

const KEEP_SECONDS = 366 * 86_400;

const RAISE = loadScript(path.join(__dirname, '..', 'lua'), ['raise-counter']);

export function storedCounters(connection: RedisConnection, prefix: string): StoredCounters {
  const keyOf = (name: string): string => `${prefix}:counter:${name}`;
  return {
    read: async (name) => {
      const found = await connection.get(keyOf(name));
      return found !== null && /^\d{1,19}$/.test(found) ? BigInt(found) : null;
    },
    raise: async (name, value) =>
      void (await connection.eval(RAISE.lua, 1, keyOf(name), String(value), KEEP_SECONDS)),
  };
}
