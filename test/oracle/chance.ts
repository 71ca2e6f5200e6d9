/**
 * The only source of randomness of a seed: everything that a seed decides is drawn from it, in
 * order.
 */
export interface Chance {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [low, high]. */
  between(low: number, high: number): number;
  happens(probability: number): boolean;
  /** Returns one element of a list that is not empty. */
  pick<T>(items: readonly T[]): T;
  /** Returns one of the entries with a probability proportional to its weight. */
  weighted<T>(entries: readonly (readonly [T, number])[]): T;
}

/** mulberry32: small, fast, and deterministic on all machines. */
export function chanceOf(seed: number): Chance {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const chance: Chance = {
    next,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    happens: (probability) => next() < probability,
    pick: (items) => items[Math.floor(next() * items.length)] as (typeof items)[number],
    weighted: (entries) => {
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [entry, weight] of entries) if ((left -= weight) < 0) return entry;
      return (entries.at(-1) as (typeof entries)[number])[0];
    },
  };
  return chance;
}
