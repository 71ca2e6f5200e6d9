/** Google as the rest of Syncline sees it: accounts with typed pages, one kind of error, and a quota that is never exceeded. */
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
import { apisOf, type AccountApis } from './apis/index.js';
import { originsFor } from './origins.js';
import type { GrantOwner } from './owner.js';
import { type Project, openProject, refuseUselessQuotas } from './project.js';
import type { QuotaUsage } from './quota-usage.js';
import { checkRedis, connectRedis } from './redis.js';
import { type CallOptions, type Session, type Spent, stopCallsOf } from './request.js';
import type { TokenStore } from './tokens.js';
import { openTransport } from './transport.js';

export * from './apis/index.js';
export { API_NAMES, APIS, type Api } from './apis/facts.js';
export { unitsOf } from './costs.js';
export { ENDLESS, GoogleError, type GoogleErrorKind } from './errors.js';
export { partKeys } from './part-keys.js';
export type { DayUsed, QuotaUsage, Used } from './quota-usage.js';
export { isTokenRefused } from './refresh-token.js';
export type { CallOptions, Spent } from './request.js';
export { addressOrNull } from './shape.js';
export { type SharedTokens, openSharedTokens } from './shared-tokens.js';
export interface GoogleOptions extends RedisSettings {
  /** One origin that replaces all of Google's hosts; null is Google. */
  apiUrl: string | null;
  /** Through which Google is reached; null is straight, which is the default. */
  proxy?: GoogleProxy | null;
  clientId: string;
  clientSecret: string;
  quotas: Config['quotas'];
  /** Further projects, each with its client and its quotas; the ones above are those of `default`. */
  projects?: GoogleProject[];
  tokens: TokenStore;
  /** The connection to Redis is a sign of life of this process, which holds jobs and leases under this name. */
  holder?: string;
}

export interface GoogleAccount extends AccountApis {
  /**
   * Whose the grant is, as far as its scopes tell. Costs no quota.
   * @throws GoogleError when there is no access token, or no answer
   */
  owner(): Promise<GrantOwner>;
  /** What was charged through this object since the last call of `takeSpent`, by method. */
  takeSpent(): Spent[];
  /**
   * The account's Google identity is known: from now on its calls, with what it has spent before,
   * count as this user's (`CallOptions.quotaUser`), and so does what `merged` have spent, which are
   * no more.
   */
  chargeTo(quotaUser: string, o: { merged: readonly string[]; shared: boolean }): Promise<void>;
}

/** A grant that may become an account's. */
interface GrantCandidate extends GoogleAccount {
  /** The refresh token to store: Google may have replaced the one that was shown. */
  refreshToken(): string;
}

export interface Google {
  /** Makes no call. The lane is `live` and the project `default` unless said otherwise. A project that is not configured is thrown as `forbidden` by each call. */
  account(accountId: string, call?: CallOptions): GoogleAccount;
  /**
   * A grant that is not stored yet, by its refresh token. Calls are charged to windows of its own.
   */
  candidate(refreshToken: string, call?: CallOptions): GrantCandidate;
  /**
   * Ends the account's grant at Google. `unreadable`: its refresh token does not open.
   * @throws GoogleError when Google did not answer or does not let us.
   */
  revoke(
    accountId: string,
    o?: { project?: string; quotaUser?: string },
  ): Promise<'revoked' | 'already-gone' | 'unreadable'>;
  /**
   * Refreshes the account's access token although Google refused its grant or its project's client
   * lately.
   * @throws GoogleError for what Google answers now
   */
  tryAgain(accountId: string, project?: string): Promise<void>;
  /** Drops the account's cached access tokens, here and in Redis; to be called when a grant was replaced. */
  forgetToken(accountId: string): Promise<void>;
  /**
   * @throws Error of the Redis client, within seconds, when Redis does not answer: until it does,
   * calls wait for their quota.
   */
  checkRedis(): Promise<void>;
  /** Names of the configured projects, `default` first. */
  projects: string[];
  /** What stands in a project's windows. @throws Error of the Redis client when Redis is away. */
  quotaUsage(accountIds: string[], project?: string): Promise<QuotaUsage>;
  /**
   * Projects whose day is to be compared with the ledger of what was spent.
   * @throws Error of the Redis client when Redis is away.
   */
  projectsToCompare(): Promise<string[]>;
  /**
   * Tells what that ledger has of a day (`2026-11-28`, by Pacific time): Gmail's units by project.
   * @throws Error of the Redis client when Redis is away.
   */
  tellSpentDay(day: string, units: ReadonlyMap<string, number>): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects to Redis (a Redis that is away delays this by seconds and does not fail it) and to nothing else.
 * @throws OperatorError when a quota is smaller than the dearest single call, which could never be made, or Redis refuses us
 */
export async function openGoogle(rt: Runtime, options: GoogleOptions): Promise<Google> {
  const { clientId, clientSecret, quotas } = options;
  const first = { name: DEFAULT_PROJECT, clientId, clientSecret, quotas };
  const configured = [first, ...(options.projects ?? [])];
  refuseUselessQuotas(configured);
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
  const shared = { rt, transport, batchSizes: openBatchSizes(), origins };
  return {
    account: (accountId, call = { lane: 'live' }) =>
      accountOf({
        ...shared,
        ...projectFor(projects, call.project),
        accountId,
        options: call,
        spent: new Map(),
      }),
    candidate: (refreshToken, call = { lane: 'live' }) =>
      candidateOf({ ...shared, ...projectFor(projects, call.project) }, refreshToken, call),
    revoke: async (accountId, { project, quotaUser = accountId } = {}) => {
      await stopCallsOf(projectFor(projects, project).quota, quotaUser);
      return projectFor(projects).tokens.revoke(accountId);
    },
    tryAgain: (accountId, project) => projectFor(projects, project).tokens.tryAgain(accountId),
    // An account may have changed its project since: what is dropped costs one refresh at most.
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
        [...projects].map(([name, { quota }]) => quota.tellLedger(day, units.get(name) ?? 0)),
      )),
    close: async () => {
      await Promise.all(all.map(({ quota }) => quota.stop()));
      await transport.close();
      redis.disconnect();
    },
  };
}

/** A project that is not configured is known by its calls being refused: whoever is asked about the account says so. */
function projectFor(projects: Map<string, Project>, name = DEFAULT_PROJECT): Project {
  const project = projects.get(name);
  if (project) return project;
  const standIn = projects.get(DEFAULT_PROJECT);
  if (!standIn) throw new Error('the default project is always there');
  return { ...standIn, unknown: true };
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

/** It has quota windows of its own, since its owner is not known yet. */
function candidateOf(
  shared: Omit<Session, 'accountId' | 'options' | 'spent'> & Project,
  refreshToken: string,
  options: CallOptions,
): GrantCandidate {
  const { rt, transport, endpoint } = shared;
  const tokens = candidateTokens(transport, endpoint, refreshToken, () => rt.clock.nowMs());
  const accountId = `candidate-${rt.random.uuid()}`;
  const account = accountOf({ ...shared, tokens, accountId, options, spent: new Map() });
  return { ...account, refreshToken: tokens.refreshToken };
}

async function ownerOf({ unknown, tokens, accountId, options }: Session): Promise<GrantOwner> {
  if (unknown)
    throw new GoogleError('oauth2.token', { kind: 'forbidden', reason: 'unknown_project' });
  return tokens.owner(accountId, options.grantVersion);
}
