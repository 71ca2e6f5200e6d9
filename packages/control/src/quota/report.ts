import { API_NAMES, APIS, type Api, type QuotaUsage } from '@syncline/google';
import { DEFAULT_PROJECT } from '@syncline/runtime';
import type { SpentToday } from '@syncline/store';

/** The current minute of each project. */
export type Usage = Record<string, QuotaUsage>;

/** A collection whose full sync has not ended. */
export interface FullSync {
  email: string;
  tenant: string;
  /** For a person: `mailbox`, `calendar team@example.com`. */
  collection: string;
  done: number;
  total: number | null;
  etaSeconds: number | null;
}

interface Spending {
  calls: number;
  units: number;
}

export interface AccountSpending {
  accountId: string;
  email: string;
  tenant: string;
  identityId: string | null;
  project: string;
  /** Units charged to the quota of each API. */
  units: Record<Api, number>;
}

export interface QuotaReport {
  /** The current day in Pacific time. */
  today: {
    byMethod: ({ method: string } & Spending)[];
    /** Sorted by units of the first API, highest first. */
    byAccount: AccountSpending[];
    byProject: { project: string; units: Record<Api, number> }[];
  };
  /** Null when Redis does not answer. */
  usage: Usage | null;
  fullSyncs: readonly FullSync[];
  /**
   * Seconds until the last full sync ends at the current pace; null while this is unknown, or when
   * there is none.
   */
  fullSyncsEndInSeconds: number | null;
}

/** Pure. */
export function quotaReport(
  spent: readonly SpentToday[],
  usage: Usage | null,
  fullSyncs: readonly FullSync[],
): QuotaReport {
  return {
    today: { byMethod: byMethod(spent), byAccount: byAccount(spent), byProject: byProject(spent) },
    usage,
    fullSyncs,
    fullSyncsEndInSeconds: endOf(fullSyncs),
  };
}

/**
 * Returns the report as `quota --json` and the API show it; the field names are public. `minute` is
 * the default project's; `projects` has all of them.
 * @param progressOf describes a full sync in one line for a person
 */
export function quotaDocument(
  { today, usage, fullSyncs, fullSyncsEndInSeconds }: QuotaReport,
  progressOf: (fullSync: FullSync) => string,
): object {
  return {
    today: {
      byMethod: today.byMethod,
      byAccount: today.byAccount.map(withKeys),
      byProject: today.byProject.map(withKeys),
    },
    minute: usage?.[DEFAULT_PROJECT] ?? null,
    projects: usage,
    backfills: fullSyncs.map((fullSync) => ({ ...fullSync, text: progressOf(fullSync) })),
    backfillsEndInSeconds: fullSyncsEndInSeconds,
  };
}

/**
 * Returns the quota user of an account's calls: its Google identity, which accounts of several
 * tenants may share.
 */
export function quotaUserOf({
  accountId,
  identityId,
}: Pick<SpentToday, 'accountId' | 'identityId'>): string {
  return identityId ?? accountId;
}

function endOf(fullSyncs: readonly FullSync[]): number | null {
  const ends = fullSyncs.map(({ etaSeconds }) => etaSeconds);
  return ends.length === 0 || ends.includes(null) ? null : Math.max(...ends.map(Number));
}

/** Replaces `units` by a key for each API: `gmailUnits`, `calendarRequests`. */
function withKeys({ units, ...rest }: { units: Record<Api, number> }): object {
  return {
    ...rest,
    ...Object.fromEntries(API_NAMES.map((api) => [keyOf(api), units[api]])),
  };
}

function keyOf(api: Api): string {
  const { counts } = APIS[api];
  return `${api}${counts[0]?.toUpperCase()}${counts.slice(1)}`;
}

function byMethod(spent: readonly SpentToday[]): QuotaReport['today']['byMethod'] {
  return [...summed(spent, ({ method }) => method)]
    .map(([method, sum]) => ({ method, ...sum }))
    .sort((a, b) => b.units - a.units);
}

function byProject(spent: readonly SpentToday[]): QuotaReport['today']['byProject'] {
  const sums = sumsByApi(spent, ({ project }) => project);
  return [...new Set(spent.map(({ project }) => project))]
    .sort()
    .map((project) => ({ project, units: sums(project) }));
}

function byAccount(spent: readonly SpentToday[]): AccountSpending[] {
  const accounts = new Map(
    spent.map(({ accountId, email, tenant, identityId, project }) => [
      accountId,
      { email, tenant, identityId, project },
    ]),
  );
  const sums = sumsByApi(spent, ({ accountId }) => accountId);
  const [first] = API_NAMES;
  return [...accounts]
    .map(([accountId, account]) => ({ accountId, ...account, units: sums(accountId) }))
    .sort((a, b) => (first ? b.units[first] - a.units[first] : 0));
}

/** Sums the used quota of each API by a key of the entries. */
function sumsByApi(
  spent: readonly SpentToday[],
  keyOfEntry: (entry: SpentToday) => string,
): (key: string) => Record<Api, number> {
  const sums = API_NAMES.map((api) => {
    const ofApi = spent.filter(({ method }) => method.startsWith(`${api}.`));
    return [api, summed(ofApi, keyOfEntry)] as const;
  });
  return (key) =>
    Object.fromEntries(sums.map(([api, sum]) => [api, sum.get(key)?.units ?? 0])) as Record<
      Api,
      number
    >;
}

function summed(
  spent: readonly SpentToday[],
  keyOfEntry: (entry: SpentToday) => string,
): Map<string, Spending> {
  const sums = new Map<string, Spending>();
  for (const entry of spent) {
    const before = sums.get(keyOfEntry(entry)) ?? { calls: 0, units: 0 };
    sums.set(keyOfEntry(entry), {
      calls: before.calls + entry.calls,
      units: before.units + entry.units,
    });
  }
  return sums;
}
