import { randomUUID } from 'node:crypto';

/** Chance, passed in wherever it matters (jitter, ids), so that a test can repeat it. */
export interface Random {
  /** Uniform in [0, 1). Not for secrets. */
  next(): number;
  uuid(): string;
}

export const systemRandom: Random = {
  next: () => Math.random(),
  uuid: () => randomUUID(),
};
