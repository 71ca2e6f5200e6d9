/** Shorter times are not compared: they are mostly the clock's. */
const FLOOR_MS = 2;
const TIMES_LARGER = 8;
/** Of cold code the first rounds are slow. */
const LEAST_ROUNDS = 3;
const MOST_ROUNDS = 9;
/** A version that needs so long has shown its growth. */
const ENOUGH_MS = 5_000;

/** Between 1, linear time with its noise of garbage collection, and 2, quadratic time. */
export const LINEAR = 1.6;

/**
 * Returns the power with which the CPU time of `work` grows with its input: about 1 if the time is
 * linear, 2 if it is quadratic. The shortest times of several rounds are compared with each other
 * and with no number of seconds, so the machine's speed and load do not matter.
 * @param inputOf makes the input of about this many bytes
 * @param bytes of the larger of the two inputs that are compared
 */
export function growthOf<T>(
  inputOf: (bytes: number) => T,
  work: (input: T) => unknown,
  bytes = 1_000_000,
): number {
  const [small, large] = [inputOf(bytes / TIMES_LARGER), inputOf(bytes)];
  let [smallMs, largeMs, spentMs, growth] = [Infinity, Infinity, 0, Infinity];
  const isOpen = (round: number): boolean =>
    spentMs < ENOUGH_MS && round < (growth < LINEAR ? LEAST_ROUNDS : MOST_ROUNDS);
  for (let round = 0; isOpen(round); round++) {
    smallMs = Math.min(smallMs, cpuMsOf(work, small));
    const lastMs = cpuMsOf(work, large);
    largeMs = Math.min(largeMs, lastMs);
    spentMs += lastMs;
    growth = powerOf(smallMs, largeMs);
  }
  return growth;
}

function powerOf(smallMs: number, largeMs: number): number {
  const factor = Math.max(largeMs, FLOOR_MS) / Math.max(smallMs, FLOOR_MS);
  return Math.log(factor) / Math.log(TIMES_LARGER);
}

function cpuMsOf<T>(work: (input: T) => unknown, input: T): number {
  const before = process.cpuUsage();
  work(input);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
