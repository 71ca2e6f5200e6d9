import { type QuotaUsage, openGoogle } from '@syncline/google';
import type { AccountView, SpentToday, Store } from '@syncline/store';
import type { Command } from 'commander';
import { type Cli, runWithStore } from '../command.js';
import { print, printJson } from '../output.js';
import { type Column, bar, say, table } from '../terminal.js';
import { amount, duration, etaOf, nameOf, progressOf } from '../words.js';

/** Accounts whose minute is asked of Redis: the rest have spent nothing today. */
const ASKED_LIMIT = 10_000;
/** Accounts in the table for people; `--json` has them all. */
const SHOWN_LIMIT = 40;

/** `syncline quota`: what was spent today, what is left of this minute, and when the backfills in hand will end. */
export function addQuota(program: Command): void {
  program
    .command('quota')
    .description('what was spent, by method, account and project, what is left, and when backfills will end')
    .option('--json', 'print one document')
    .action((options: { json?: true }) => runWithStore(async (cli, store) => {
      const spent = await store.quota.today();
      const usage = await usageOf(cli, store, spent);
      const backfills = backfillsOf(await store.accounts.list(), cli.rt.clock.nowMs());
      if (options.json) await printJson({ today: { byMethod: byMethod(spent), byAccount: byAccount(spent) }, minute: usage, backfills });
      else await print(reportText(spent, usage, backfills));
      return 0;
    }));
}

interface Backfill {
  email: string;
  tenant: string;
  collection: string;
  done: number;
  total: number | null;
  etaSeconds: number | null;
  text: string;
}

/** The current minute as Redis counts it; null, and a line about it, when Redis does not answer. */
async function usageOf({ rt, config }: Cli, store: Store, spent: readonly SpentToday[]): Promise<QuotaUsage | null> {
  const google = await openGoogle(rt, { ...config.google, redisUrl: config.redisUrl, quotas: config.quotas, tokens: store.vault });
  try {
    return await google.quotaUsage([...new Set(spent.map(({ accountId }) => accountId))].slice(0, ASKED_LIMIT));
  } catch (error) {
    say(`Redis does not tell the current minute (${error instanceof Error ? error.message : 'unknown error'})`);
    return null;
  } finally {
    await google.close();
  }
}

function backfillsOf(accounts: readonly AccountView[], nowMs: number): Backfill[] {
  return accounts.flatMap(({ email, tenant, collections }) =>
    collections.filter((collection) => collection.phase === 'backfill').map((collection) => ({
      email, tenant, collection: nameOf(collection), ...collection.progress, etaSeconds: etaOf(collection, nowMs), text: progressOf(collection, nowMs),
    })),
  );
}

interface Spending {
  calls: number;
  units: number;
}

function byMethod(spent: readonly SpentToday[]): ({ method: string } & Spending)[] {
  return [...summed(spent, ({ method }) => method)].map(([method, sum]) => ({ method, ...sum })).sort((a, b) => b.units - a.units);
}

function byAccount(spent: readonly SpentToday[]): ({ accountId: string; email: string; gmailUnits: number; calendarRequests: number })[] {
  const emails = new Map(spent.map(({ accountId, email }) => [accountId, email]));
  const gmail = summed(spent.filter(({ method }) => method.startsWith('gmail.')), ({ accountId }) => accountId);
  const calendar = summed(spent.filter(({ method }) => method.startsWith('calendar.')), ({ accountId }) => accountId);
  return [...emails].map(([accountId, email]) => ({
    accountId, email, gmailUnits: gmail.get(accountId)?.units ?? 0, calendarRequests: calendar.get(accountId)?.units ?? 0,
  })).sort((a, b) => b.gmailUnits - a.gmailUnits);
}

function summed(spent: readonly SpentToday[], keyOf: (entry: SpentToday) => string): Map<string, Spending> {
  const sums = new Map<string, Spending>();
  for (const entry of spent) {
    const before = sums.get(keyOf(entry)) ?? { calls: 0, units: 0 };
    sums.set(keyOf(entry), { calls: before.calls + entry.calls, units: before.units + entry.units });
  }
  return sums;
}

function reportText(spent: readonly SpentToday[], usage: QuotaUsage | null, backfills: readonly Backfill[]): string {
  return [
    ...spentLines(spent, usage),
    '',
    ...(usage === null ? ['This minute: unknown, Redis does not answer'] : projectLines(usage)),
    '',
    ...backfillLines(backfills),
  ].join('\n');
}

function spentLines(spent: readonly SpentToday[], usage: QuotaUsage | null): string[] {
  if (spent.length === 0) return ['Nothing was spent today (UTC)'];
  const methods = byMethod(spent).map(({ method, calls, units }) => [method, amount(calls), amount(units)]);
  return ['Spent today (UTC), by method', ...table([{ title: 'METHOD' }, numbers('CALLS'), numbers('UNITS')], methods), '', ...accountLines(spent, usage)];
}

function accountLines(spent: readonly SpentToday[], usage: QuotaUsage | null): string[] {
  const accounts = byAccount(spent);
  const rows = accounts.slice(0, SHOWN_LIMIT).map((account) => [
    account.email, amount(account.gmailUnits), amount(account.calendarRequests), minuteOf(usage?.gmail.users[account.accountId]), minuteOf(usage?.calendar.users[account.accountId]),
  ]);
  const columns = [{ title: 'ACCOUNT' }, numbers('GMAIL UNITS'), numbers('CALENDAR REQUESTS'), numbers('GMAIL THIS MINUTE'), numbers('CALENDAR THIS MINUTE')];
  const more = accounts.length - SHOWN_LIMIT;
  return ['By account', ...table(columns, rows), ...(more > 0 ? [`… and ${amount(more)} more`] : [])];
}

function projectLines({ gmail, calendar }: QuotaUsage): string[] {
  const rows = [
    ['Gmail units this minute', gmail.project], ['Gmail units today (Pacific)', { ...gmail.day, closedForMs: 0 }], ['Calendar requests this minute', calendar.project],
  ] as const;
  const cells = rows.map(([name, { used, limit, closedForMs }]) => [
    name, bar(used, limit), amount(used), amount(limit), amount(Math.max(0, limit - used)), closedForMs > 0 ? `closed by Google for ${duration(closedForMs)}` : '',
  ]);
  return ['The project', ...table([{ title: '' }, { title: '' }, numbers('SPENT'), numbers('LIMIT'), numbers('LEFT'), { title: '' }], cells)];
}

function backfillLines(backfills: readonly Backfill[]): string[] {
  if (backfills.length === 0) return ['No backfill in hand'];
  const rows = backfills.slice(0, SHOWN_LIMIT).map(({ email, collection, text }) => [email, collection, text]);
  const more = backfills.length - SHOWN_LIMIT;
  return ['Backfills in hand', ...table([{ title: 'ACCOUNT' }, { title: 'COLLECTION' }, { title: 'PROGRESS' }], rows), ...(more > 0 ? [`… and ${amount(more)} more`] : [])];
}

function minuteOf(used: { used: number; limit: number; closedForMs: number } | undefined): string {
  if (used === undefined) return '?';
  return `${amount(used.used)}/${amount(used.limit)}${used.closedForMs > 0 ? ` closed for ${duration(used.closedForMs)}` : ''}`;
}

function numbers(title: string): Column {
  return { title, align: 'right' };
}
