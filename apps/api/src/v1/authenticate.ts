import type { Route } from '@syncline/contract';
import type { Caller, KeyCheck, KeyRefusal } from '@syncline/control/api-keys';
import type { Runtime } from '@syncline/runtime';
import type { RateLimits } from './rate-limit.js';
import type { Refusal } from './reply.js';

export type Authentication =
  | {
      kind: 'known';
      caller: Caller;
      /** The key itself. */
      apiKey: string;
      headers: Record<string, string>;
      /** Whether the key is still accepted. */
      isKeyValid: () => Promise<boolean>;
    }
  | { kind: 'refused'; refusal: Refusal };

const BEARER = /^Bearer ([\x21-\x7e]{1,200})$/i;

/**
 * Finds the caller by the key of a request, charges its rate, and checks the scope. Every key that
 * is not accepted gets the same answer.
 */
export async function authenticate(
  rt: Pick<Runtime, 'metrics'>,
  { keys, limits }: { keys: KeyCheck; limits: RateLimits },
  request: { authorization: string | undefined; address: string },
  { scope, weight }: Route,
): Promise<Authentication> {
  const apiKey = BEARER.exec(request.authorization ?? '')?.[1] ?? '';
  const checked =
    apiKey === '' ? { kind: 'refused' as const, why: 'absent' as const } : await keys.check(apiKey);
  const isKeyValid = async (): Promise<boolean> => (await keys.check(apiKey)).kind === 'known';
  if (checked.kind === 'refused')
    return { kind: 'refused', refusal: await unknownCaller(rt, limits, request, checked.why) };
  const { caller } = checked;
  const rate = await limits.charge(caller.keyId, weight);
  const { headers } = rate;
  if (!rate.isAllowed) return { kind: 'refused', refusal: { problem: 'rate-limited', headers } };
  if (scope !== null && scope !== 'any' && !caller.scopes.has(scope))
    return { kind: 'refused', refusal: { problem: 'missing-scope', scope, headers } };
  return { kind: 'known', caller, apiKey, headers, isKeyValid };
}

async function unknownCaller(
  rt: Pick<Runtime, 'metrics'>,
  limits: RateLimits,
  { address }: { address: string },
  why: KeyRefusal | 'absent',
): Promise<Refusal> {
  rt.metrics.authFailures.inc({ why });
  const rate = await limits.failed(address);
  if (!rate.isAllowed)
    return {
      problem: 'rate-limited',
      detail: 'There were too many requests without a valid key from this address.',
      headers: rate.headers,
    };
  return {
    problem: 'unauthenticated',
    detail: 'Send `Authorization: Bearer` with an API key.',
    headers: { 'WWW-Authenticate': 'Bearer' },
  };
}
