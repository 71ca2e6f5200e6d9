import { randomUUID } from 'node:crypto';

/** Randomness (jitter, ids), passed as a parameter so that tests can repeat it. */
export interface Random {
  /** Returns a number uniform in [0, 1). Not for secrets. */
  next(): number;
  uuid(): string;
}

export const systemRandom: Random = {
  next: () => Math.random(),
  uuid: () => randomUUID(),
};
