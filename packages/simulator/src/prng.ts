/**
 * Seeded randomness. Everything in a world is derived from it, so that the same seed gives the same
 * mailboxes. Traffic (page tokens, shuffles, faults) uses separate forks, so that the timing of
 * requests never changes the world.
 */
export interface Prng {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform 32-bit unsigned integer. */
  uint32(): number;
  /** Uniform integer in [0, bound). */
  below(bound: number): number;
  /** Uniform integer in [low, high], both included. */
  between(low: number, high: number): number;
  /** Returns true with the given probability (0..1). */
  chance(probability: number): boolean;
  /** One item of a non-empty list. */
  pick<T>(items: readonly T[]): T;
  /** Lowercase hexadecimal digits. */
  hex(digits: number): string;
  /** Decimal digits, the first never zero-stripped. */
  digits(count: number): string;
  /** Shuffles in place (Fisher-Yates) and returns the same list. */
  shuffle<T>(items: T[]): T[];
  /** Returns an independent generator for one purpose, named by a label. */
  fork(label: string): Prng;
}

/** Creates a generator (sfc32) that depends on its seed only. */
export function createPrng(seed: number | string): Prng {
  return prngFrom(typeof seed === 'number' ? seed >>> 0 : hashText(seed));
}

/**
 * Hashes a text to 32 bits (FNV-1a with a final avalanche); the same text always gives the same
 * number.
 */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return avalanche(hash);
}

function prngFrom(seed: number): Prng {
  const uint32 = sfc32(seed);
  const next = (): number => uint32() / 4294967296;
  const below = (bound: number): number => Math.floor(next() * bound);
  const prng: Prng = {
    next,
    uint32,
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => next() < probability,
    pick: (items) => pickFrom(items, below),
    hex: (digits) => repeat(digits, () => below(16).toString(16)),
    digits: (count) => repeat(count, () => String(below(10))),
    shuffle: (items) => shuffleWith(items, below),
    fork: (label) => prngFrom(avalanche(seed ^ hashText(label))),
  };
  return prng;
}

function pickFrom<T>(items: readonly T[], below: (bound: number) => number): T {
  if (items.length === 0) throw new Error('cannot pick from an empty list');
  return items[below(items.length)] as T;
}

function shuffleWith<T>(items: T[], below: (bound: number) => number): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = below(i + 1);
    const held = items[i] as T;
    items[i] = items[j] as T;
    items[j] = held;
  }
  return items;
}

function repeat(count: number, make: () => string): string {
  let text = '';
  for (let i = 0; i < count; i++) text += make();
  return text;
}

function avalanche(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * A small, fast counter-based generator: passes PractRand, four words of state, no multiplication.
 */
function sfc32(seed: number): () => number {
  let a = 0x9e3779b9 | 0;
  let b = 0x243f6a88 | 0;
  let c = seed | 0;
  let counter = 1;
  const step = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) step();
  return step;
}
