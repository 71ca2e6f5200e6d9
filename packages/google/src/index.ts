/**
 * The public interface of this package: accounts with typed pages, one kind of error, and a quota
 * that is never exceeded.
 */
import {
  type Config,
  type GoogleProject,
  type GoogleProxy,
  type RedisSettings,
  type Runtime,
  DEFAULT_PROJECT,
} from '@syncline/runtime';
import { openBatchSizes } from './batch-size.js';
import { candidateTokens } from './candidate.js';
import { GoogleError } from './errors.js';
import type { UsableGrant } from './grant-exchange.js';
import { apisOf, type AccountApis } from './apis/index.js';
import { originsFor } from './origins.js';
import type { GrantOwner } from './owner.js';
import { type Project, openProject, requireUsableQuotas } from './project.js';
import type { QuotaUsage } from './quota-usage.js';
import { checkRedis, connectRedis } from './redis.js';
import { type CallOptions, type Session, type Spent, stopCallsOf } from './request.js';
import type { TokenStore } from './stored-grant.js';
import type { RevokedGrant } from './tokens.js';
import { openTransport } from './transport.js';

export * from './apis/index.js';
export { API_NAMES, APIS, type Api } from './apis/facts.js';
export { unitsOf } from './costs.js';
export { delegatedScopes } from './delegation.js';
export { ENDLESS_WORDS, GoogleError, type GoogleErrorKind } from './errors.js';
export { partKeys } from './part-keys.js';
export type { DayUsed, QuotaUsage, Used } from './quota-usage.js';
export { isTokenRefused } from './refresh-token.js';
export type { CallOptions, Spent } from './request.js';
export { addressOrNull } from './shape.js';
export { type SharedTokens, openSharedTokens } from './shared-tokens.js';
export interface GoogleOptions extends RedisSettings {
  /** One origin that replaces all of Google's hosts; null for Google. */
  apiUrl: string | null;
  /** The proxy to Google; null, the default, for a direct connection. */
  proxy?: GoogleProxy | null;
  clientId: string;
  clientSecret: string;
  quotas: Config['quotas'];
  /**
   * Further projects, each with its client and its quotas. The options above are those of
   * `default`.
   */
  projects?: GoogleProject[];
  tokens: TokenStore;
  /**
   * The name under which this process holds jobs and leases; its connection to Redis shows that the
   * process is alive.
   */
  holder?: string;
  /**
   * Waits before the second and each further request for parts of a batch that failed. Jitter
   * shortens them by up to half. Default: 200, 500 and 1,000 ms.
   */
  partBackoffMs?: readonly number[];
}

const PART_BACKOFF_MS = [200, 500, 1_000];

export interface GoogleAccount extends AccountApis {
  /**
   * Returns the owner of the grant, as far as its scopes reveal it. Costs no quota.
   * @throws GoogleError when there is no access token, or no answer
   */
  owner(): Promise<GrantOwner>;
  /** Returns what was charged through this object since the last call of `takeSpent`, by method. */
  takeSpent(): Spent[];
  /**
   * Sets the account's Google identity once it is known. From now on its calls and its earlier
   * usage count as this user's (`CallOptions.quotaUser`), and so does the usage of `merged`, which
   * no longer exist.
   */
  chargeTo(quotaUser: string, o: { merged: readonly string[]; shared: boolean }): Promise<void>;
}

/** A grant that is not stored as an account's yet. */
interface GrantCandidate extends GoogleAccount {
  /**
   * The refresh token to store, null for a delegated grant. Google may have replaced the original
   * one.
   */
  refreshToken(): string | null;
}

export interface Google {
  /**
   * Returns the API calls of an account; makes no call itself. The default lane is `live`, the
   * default project is `default`. When the project is not configured, each call throws `forbidden`.
   */
  account(accountId: string, call?: CallOptions): GoogleAccount;
  /**
   * Returns the API calls of a grant that is not stored yet. Calls are charged to windows of its
   * own.
   */
  candidate(grant: UsableGrant, call?: CallOptions): GrantCandidate;
  /**
   * Revokes the account's grant at Google, if it has one that can be revoked.
   * @throws GoogleError when Google did not answer or refused
   */
  revoke(accountId: string, o?: { project?: string; quotaUser?: string }): Promise<RevokedGrant>;
  /**
   * Refreshes the account's access token even though Google recently refused its grant or its
   * project's client.
   * @throws GoogleError for Google's current answer
   */
  tryAgain(accountId: string, project?: string): Promise<void>;
  /**
   * Drops the account's cached access tokens in this process and in Redis; must be called when a
   * grant was replaced.
   */
  forgetToken(accountId: string): Promise<void>;
  /**
   * @throws Error of the Redis client, within seconds, when Redis does not answer; calls wait for
   * their quota until it does
   */
  checkRedis(): Promise<void>;
  /** Names of the configured projects, `default` first. */
  projects: string[];
  /**
   * Returns the usage in a project's windows.
   * @throws Error of the Redis client when Redis is away
   */
  quotaUsage(accountIds: string[], project?: string): Promise<QuotaUsage>;
  /**
   * Returns the projects whose day is due to be compared with the ledger.
   * @throws Error of the Redis client when Redis is away
   */
  projectsToCompare(): Promise<string[]>;
  /**
   * Reports what the ledger has of a day (such as `2026-11-28`, in Pacific time): Gmail units by
   * project.
   * @throws Error of the Redis client when Redis is away
   */
  tellSpentDay(day: string, units: ReadonlyMap<string, number>): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects to Redis and to nothing else. When Redis is away, this takes seconds longer and does not
 * fail.
 * @throws OperatorError when a quota is smaller than the most expensive single call, which could
 * never be made, or when Redis refuses the connection
 */
export async function openGoogle(rt: Runtime, options: GoogleOptions): Promise<Google> {
  const { clientId, clientSecret, quotas } = options;
  const first = { name: DEFAULT_PROJECT, clientId, clientSecret, quotas };
  const configured = [first, ...(options.projects ?? [])];
  requireUsableQuotas(configured);
  const origins = originsFor(options.apiUrl);
  const redis = await connectRedis(rt, options, options.holder);
  const transport = openTransport(options.proxy);
  const projects = new Map<string, Project>();
  for (const project of configured)
    projects.set(
      project.name,
      await openProject(rt, redis, transport, project, {
        prefix: options.redisPrefix,
        origin: origins.oauth,
        store: options.tokens,
      }),
    );
  const all = [...projects.values()];
  const shared = { rt, transport, origins, ...batching(options) };
  return {
    account: (accountId, call = { lane: 'live' }) =>
      accountOf({
        ...shared,
        ...projectFor(projects, call.project),
        accountId,
        options: call,
        spent: new Map(),
      }),
    candidate: (grant, call = { lane: 'live' }) =>
      candidateOf({ ...shared, ...projectFor(projects, call.project) }, grant, call),
    revoke: async (accountId, { project, quotaUser = accountId } = {}) => {
      await stopCallsOf(projectFor(projects, project).quota, quotaUser);
      return projectFor(projects).tokens.revoke(accountId);
    },
    tryAgain: (accountId, project) => projectFor(projects, project).tokens.tryAgain(accountId),
    // The account may have changed its project since. A dropped token costs one refresh at most.
    forgetToken: async (accountId) =>
      void (await Promise.all(all.map(({ tokens }) => tokens.forget(accountId)))),
    checkRedis: () => checkRedis(redis),
    projects: [...projects.keys()],
    quotaUsage: (accountIds, project) => projectFor(projects, project).quota.usage(accountIds),
    projectsToCompare: async () => {
      const due = await Promise.all(
        [...projects].map(async ([name, { quota }]) => ((await quota.isLedgerDue()) ? [name] : [])),
      );
      return due.flat();
    },
    tellSpentDay: async (day, units) =>
      void (await Promise.all(
        [...projects].map(([name, { quota }]) =>
          quota.reportLedgerUsage(day, units.get(name) ?? 0),
        ),
      )),
    close: async () => {
      await Promise.all(all.map(({ quota }) => quota.stop()));
      await transport.close();
      redis.disconnect();
    },
  };
}

function batching({
  partBackoffMs = PART_BACKOFF_MS,
}: GoogleOptions): Pick<Session, 'batchSizes' | 'partBackoffMs'> {
  return { batchSizes: openBatchSizes(), partBackoffMs };
}

/**
 * A project that is not configured is not an error here: each call of its accounts is refused, and
 * the error names the account.
 */
function projectFor(projects: Map<string, Project>, name = DEFAULT_PROJECT): Project {
  const project = projects.get(name);
  if (project) return project;
  const defaultProject = projects.get(DEFAULT_PROJECT);
  if (!defaultProject) throw new Error('the default project is always there');
  return { ...defaultProject, unknown: true };
}

function accountOf(session: Session): GoogleAccount {
  return {
    ...apisOf(session),
    owner: () => ownerOf(session),
    takeSpent: () => {
      const spent = [...session.spent.values()];
      session.spent.clear();
      return spent;
    },
    chargeTo: (quotaUser, o) => chargeTo(session, quotaUser, o),
  };
}

async function chargeTo(
  session: Session,
  quotaUser: string,
  { merged, shared }: { merged: readonly string[]; shared: boolean },
): Promise<void> {
  const { quota, unknown, options, accountId } = session;
  session.options = { ...options, quotaUser, shared };
  const before = options.quotaUser ?? accountId;
  if (unknown) return;
  for (const user of new Set([before, ...merged]))
    if (user !== quotaUser)
      await quota.join(user, quotaUser, { retired: merged.includes(user), shared });
}

/** It has quota windows of its own, because its owner is not known yet. */
function candidateOf(
  shared: Omit<Session, 'accountId' | 'options' | 'spent'> & Project,
  grant: UsableGrant,
  options: CallOptions,
): GrantCandidate {
  const { rt, transport, endpoint } = shared;
  const tokens = candidateTokens(transport, endpoint, grant, () => rt.clock.nowMs());
  const accountId = `candidate-${rt.random.uuid()}`;
  const account = accountOf({ ...shared, tokens, accountId, options, spent: new Map() });
  return { ...account, refreshToken: tokens.refreshToken };
}

async function ownerOf({ unknown, tokens, accountId, options }: Session): Promise<GrantOwner> {
  if (unknown)
    throw new GoogleError('oauth2.token', { kind: 'forbidden', reason: 'unknown_project' });
  return tokens.owner(accountId, options.grantVersion);
}
