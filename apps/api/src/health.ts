import type { Runtime } from '@syncline/runtime';

const DEPENDENCY_TIMEOUT_MS = 2_000;

/** What readiness depends on. Each rejects when its server is away. */
export interface Dependencies {
  postgres: () => Promise<void>;
  redis: () => Promise<void>;
}

export interface Readiness {
  ready: boolean;
  /** What did not answer, by name only: addresses and errors belong in the log. */
  missing: string[];
}

/**
 * Asks Postgres and Redis, each for at most 2 s. Callers that come while a question is open share its answer, so that a
 * flood of probes costs the servers one query at a time.
 */
export function readinessOf(rt: Runtime, dependencies: Dependencies): () => Promise<Readiness> {
  let asking: Promise<Readiness> | undefined;
  return () => (asking ??= ask(rt, dependencies).finally(() => (asking = undefined)));
}

async function ask(rt: Runtime, dependencies: Dependencies): Promise<Readiness> {
  const names = ['postgres', 'redis'] as const;
  const answers = await Promise.all(names.map((name) => answersInTime(rt, dependencies[name])));
  const missing = names.filter((_, index) => answers[index] !== true);
  return { ready: missing.length === 0, missing };
}

async function answersInTime(rt: Runtime, question: () => Promise<void>): Promise<boolean> {
  const waiting = new AbortController();
  const answer = question().then(
    () => true,
    () => false,
  );
  const late = rt.clock.sleep(DEPENDENCY_TIMEOUT_MS, waiting.signal).then(
    () => false,
    () => false,
  );
  const inTime = await Promise.race([answer, late]);
  waiting.abort(new Error('answered'));
  return inTime;
}
