/**
 * A number that only grows, stored in Redis under a name. A lower value elsewhere shows that an
 * older state was restored there. Losing it proves nothing, and it expires when it has not been
 * raised for a year.
 */
import type { RedisConnection } from '@syncline/runtime';

export interface CounterMemory {
  /** Null when nothing, or nothing that is a number, is remembered. */
  read(name: string): Promise<bigint | null>;
  /** A lower number than the one remembered changes nothing. */
  raise(name: string, value: bigint): Promise<void>;
}

const KEEP_SECONDS = 366 * 86_400;

/**
 * Compared as text: of two numbers without leading zeros the longer one is the higher, and Lua's
 * own numbers lose the last digits of large ones.
 */
const RAISE = `
local known = redis.call('GET', KEYS[1])
if known and string.match(known, '^%d+$') and (#known > #ARGV[1] or (#known == #ARGV[1] and known >= ARGV[1])) then
  redis.call('EXPIRE', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
return 0`;

export function counterMemoryOf(connection: RedisConnection, prefix: string): CounterMemory {
  const keyOf = (name: string): string => `${prefix}:counter:${name}`;
  return {
    read: async (name) => {
      const found = await connection.get(keyOf(name));
      return found !== null && /^\d{1,19}$/.test(found) ? BigInt(found) : null;
    },
    raise: async (name, value) =>
      void (await connection.eval(RAISE, 1, keyOf(name), String(value), KEEP_SECONDS)),
  };
}
