/**
 * A Google Cloud project: an OAuth client with its access tokens and its quota. Two projects share
 * nothing. Their Redis keys have different hash tags, so on Redis Cluster each quota is in a slot
 * of its own, and every script uses the keys of one project only.
 */
import {
  type GoogleProject,
  type Runtime,
  DEFAULT_PROJECT,
  OperatorError,
  type RedisConnection,
} from '@syncline/runtime';
import { API_NAMES, APIS } from './apis/facts.js';
import { type Tier, tierOf } from './costs.js';
import { type Quota, openQuota } from './quota.js';
import type { TokenEndpoint } from './refresh-token.js';
import type { TokenStore } from './stored-grant.js';
import { type Tokens, openTokens } from './tokens.js';
import type { Transport } from './transport.js';

export interface Project {
  quota: Quota;
  tokens: Tokens;
  /** The token endpoint with this project's client. */
  endpoint: TokenEndpoint;
  tier: Tier;
  /** The account's project is not configured; every call is refused. */
  unknown: boolean;
}

export async function openProject(
  rt: Runtime,
  redis: RedisConnection,
  transport: Transport,
  project: GoogleProject,
  options: { prefix: string; origin: string; store: TokenStore },
): Promise<Project> {
  const { name, clientId, clientSecret, quotas: limits } = project;
  const endpoint = { origin: options.origin, clientId, clientSecret };
  const tokens = openTokens(rt, redis, transport, {
    prefix: options.prefix,
    project: name,
    ...endpoint,
    store: options.store,
  });
  const quota = openQuota(rt, redis, { prefix: options.prefix, project: name, limits });
  // The first heartbeat adopts the epoch before the first charge. Without Redis a later heartbeat
  // does so.
  await quota
    .beat()
    .catch((err: unknown) =>
      rt.log.warn(
        { event: 'quota_unreachable', err },
        'Redis does not answer; calls to Google wait for it',
      ),
    );
  return { quota, tokens, endpoint, tier: tierOf(limits), unknown: false };
}

/**
 * @throws OperatorError that names every quota that is smaller than the most expensive single call
 */
export function requireUsableQuotas(projects: readonly GoogleProject[]): void {
  const mistakes = projects.flatMap(({ name, quotas }) =>
    uselessQuotas(quotas).map((mistake) =>
      name === DEFAULT_PROJECT ? mistake : `project "${name}": ${mistake}`,
    ),
  );
  if (mistakes.length > 0) throw new OperatorError(mistakes.join('\n'));
}

function uselessQuotas(quotas: GoogleProject['quotas']): string[] {
  const least = API_NAMES.flatMap((api) => APIS[api].least(quotas));
  return least
    .filter(([, value, needed]) => !(value >= needed))
    .map(
      ([variable, , needed]) =>
        `${variable} must be at least ${needed}: a single call costs that much`,
    );
}
