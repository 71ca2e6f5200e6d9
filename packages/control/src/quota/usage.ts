import type { Google } from '@syncline/google';
import { type Runtime, describeError } from '@syncline/runtime';
import type { AccountView, SpentToday, Store, AccountReads } from '@syncline/store';
import { etaOf } from '../status/eta.js';
import { nameOf } from '../words.js';
import { type FullSync, type QuotaReport, type Usage, quotaReport, quotaUserOf } from './report.js';

/**
 * Maximum number of accounts whose current minute is read from Redis; accounts that have spent
 * nothing today are left out.
 */
const ASKED_LIMIT = 10_000;

export interface QuotaAnswer {
  report: QuotaReport;
  /** Why the current minute is missing from the report; null when it is not. */
  redisProblem: string | null;
}

/**
 * Reads the report of one tenant: without the usage of projects, which tenants share.
 */
export async function readQuotaOfTenant(
  rt: Pick<Runtime, 'clock'>,
  { store }: { store: Pick<Store, 'quota'> & { accounts: Pick<AccountReads, 'pages'> } },
  tenant: string,
): Promise<QuotaReport> {
  const spent = (await store.quota.today()).filter((one) => one.tenant === tenant);
  const fullSyncs = await fullSyncsOf(store, { tenant }, rt.clock.nowMs());
  return quotaReport(spent, null, fullSyncs);
}

/**
 * Reads today's spending, the remaining quota of this minute by Redis' counters, and the end of the
 * full syncs.
 */
export async function readQuota(
  rt: Pick<Runtime, 'clock'>,
  deps: {
    store: Pick<Store, 'quota'> & { accounts: Pick<AccountReads, 'pages'> };
    /** Null: without the usage of the present minute. */
    google: Pick<Google, 'projects' | 'quotaUsage' | 'tellSpentDay'> | null;
  },
): Promise<QuotaAnswer> {
  const spent = await deps.store.quota.today();
  const minute = await usageOf(deps, spent);
  const fullSyncs = await fullSyncsOf(deps.store, {}, rt.clock.nowMs());
  return {
    report: quotaReport(spent, minute.usage, fullSyncs),
    redisProblem: minute.problem,
  };
}

type Minute = { usage: Usage; problem: null } | { usage: null; problem: string };

async function usageOf(
  { store, google }: Parameters<typeof readQuota>[1],
  spent: readonly SpentToday[],
): Promise<Minute> {
  if (google === null) return { usage: null, problem: 'there is no OAuth client here' };
  try {
    // The ledger's usage is reported to Redis first, so that both agree even when Redis has just lost
    // its data.
    const { day, units } = await store.quota.day();
    await google.tellSpentDay(day, units);
    const usage: Usage = {};
    for (const name of google.projects) {
      const users = spent.filter(({ project }) => project === name).map(quotaUserOf);
      usage[name] = await google.quotaUsage([...new Set(users)].slice(0, ASKED_LIMIT), name);
    }
    return { usage, problem: null };
  } catch (error) {
    return { usage: null, problem: describeError(error) };
  }
}

async function fullSyncsOf(
  store: { accounts: Pick<AccountReads, 'pages'> },
  filter: { tenant?: string },
  nowMs: number,
): Promise<FullSync[]> {
  const found: FullSync[] = [];
  for await (const page of store.accounts.pages(filter))
    found.push(...page.flatMap((account) => fullSyncsOfAccount(account, nowMs)));
  return found;
}

function fullSyncsOfAccount(account: AccountView, nowMs: number): FullSync[] {
  const { email, tenant, collections } = account;
  return collections
    .filter((collection) => collection.phase === 'full')
    .map((collection) => ({
      email,
      tenant,
      collection: nameOf(collection),
      ...collection.progress,
      etaSeconds: etaOf(collection, nowMs),
    }));
}
