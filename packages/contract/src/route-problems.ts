import type { ProblemName } from './problems.js';
import type { Route } from './route.js';

/**
 * Returns every problem that a route may answer with: those of its entry, and those that follow
 * from its scope, its account, its query and its body. Pure.
 */
export function problemsOf(route: Route): ProblemName[] {
  const all: ProblemName[] = [
    'invalid-request',
    ...(route.scope === null ? [] : (['unauthenticated', 'rate-limited'] as const)),
    ...(route.scope === null || route.scope === 'any' ? [] : (['missing-scope'] as const)),
    ...(route.accountIn === undefined ? [] : (['not-found'] as const)),
    'not-acceptable',
    ...(route.body === null ? [] : (['too-large', 'unsupported-media-type'] as const)),
    ...(isIdempotent(route) ? (['idempotency-in-progress', 'idempotency-mismatch'] as const) : []),
    ...(isStreamed(route) ? (['too-many-streams'] as const) : []),
    'internal',
    'unavailable',
    ...route.problems,
  ];
  return [...new Set(all)];
}

/** Whether the route takes an `Idempotency-Key`. */
export function isIdempotent({ method, scope }: Route): boolean {
  return method === 'POST' && scope !== null;
}

function isStreamed({ answers }: Route): boolean {
  return Object.values(answers).some(({ streams }) => streams !== undefined);
}
