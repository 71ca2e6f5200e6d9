import { etaOf } from '@syncline/control';
import { nameOf } from '@syncline/control/words';
import { openGoogle } from '@syncline/google';
import { describeError, redisSettings } from '@syncline/runtime';
import type { AccountView, SpentToday, Store } from '@syncline/store';
import type { Command } from 'commander';
import { type Cli, runWithStore } from '../command.js';
import { print, printJson } from '../output.js';
import {
  type Backfill,
  type Usage,
  quotaDocument,
  quotaText,
  quotaUserOf,
} from '../quota-report.js';
import { say } from '../terminal.js';
import { progressOf } from '../cells.js';
import { addQuotaPlan } from './quota-plan.js';

/** Accounts whose minute is asked of Redis: the rest have spent nothing today. */
const ASKED_LIMIT = 10_000;
/** `syncline quota`: what was spent today, what is left of this minute, and when the backfills in hand will end. */
export function addQuota(program: Command): void {
  const quota = program
    .command('quota')
    .description(
      'what was spent, by method, account and project, what is left, and when backfills will end',
    )
    .option('--json', 'print one document')
    .action((options: { json?: true }) =>
      runWithStore(async (cli, store) => {
        const spent = await store.quota.today();
        const usage = await usageOf(cli, store, spent);
        const backfills = await backfillsOf(store, cli.rt.clock.nowMs());
        await (options.json
          ? printJson(quotaDocument(spent, usage, backfills))
          : print(quotaText(spent, usage, backfills)));
        return 0;
      }),
    );
  addQuotaPlan(quota);
}

/** The current minute of each project as Redis counts it; null, and a line about it, when Redis does not answer. */
async function usageOf(
  { rt, config }: Cli,
  store: Store,
  spent: readonly SpentToday[],
): Promise<Usage | null> {
  const google = await openGoogle(rt, {
    ...config.google,
    ...redisSettings(config, await store.feed.name()),
    quotas: config.quotas,
    tokens: store.vault,
  });
  try {
    // Both print the same usage, even when Redis has just lost its data.
    const { day, units } = await store.quota.day();
    await google.tellSpentDay(day, units);
    const usage: Usage = {};
    for (const name of google.projects) {
      const users = spent.filter(({ project }) => project === name).map(quotaUserOf);
      usage[name] = await google.quotaUsage([...new Set(users)].slice(0, ASKED_LIMIT), name);
    }
    return usage;
  } catch (error) {
    say(`Redis does not tell the current minute (${describeError(error)})`);
    return null;
  } finally {
    await google.close();
  }
}

async function backfillsOf(store: Store, nowMs: number): Promise<Backfill[]> {
  const backfills: Backfill[] = [];
  for await (const page of store.accounts.pages())
    backfills.push(...page.flatMap((account) => backfillsOfAccount(account, nowMs)));
  return backfills;
}

function backfillsOfAccount(account: AccountView, nowMs: number): Backfill[] {
  const { email, tenant, collections } = account;
  return collections
    .filter((collection) => collection.phase === 'backfill')
    .map((collection) => ({
      email,
      tenant,
      collection: nameOf(collection),
      ...collection.progress,
      etaSeconds: etaOf(collection, nowMs),
      text: progressOf(collection, nowMs),
    }));
}
