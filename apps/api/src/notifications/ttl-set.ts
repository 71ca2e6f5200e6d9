import type { Runtime } from '@syncline/runtime';

/** A set whose members expire; when it is full, the oldest are removed earlier. */
export interface TtlSet {
  has(key: string): boolean;
  add(key: string): void;
}

export function openTtlSet(
  rt: Runtime,
  { keepMs, limit }: { keepMs: number; limit: number },
): TtlSet {
  // Maps keep insertion order: the first key is the oldest.
  const until = new Map<string, number>();
  return {
    has: (key) => (until.get(key) ?? Number.NEGATIVE_INFINITY) > rt.clock.nowMs(),
    add: (key) => {
      until.delete(key);
      until.set(key, rt.clock.nowMs() + keepMs);
      const oldest = until.keys().next();
      if (until.size > limit && !oldest.done) until.delete(oldest.value);
    },
  };
}
