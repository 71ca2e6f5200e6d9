/** The report of `demo --once` for a person. */
import { amount, counted, duration } from '@syncline/control/words';
import { printable, table } from '../terminal.js';
import { type Arrivals, arrivalsInWords } from './arrivals.js';
import type { AccountReport, Counts, Report } from './check-mirrors.js';
import { DEMO_RESOURCES } from './resources.js';

/** The maximum number of items named per account; the JSON report has all of them. */
const NAMED_LIMIT = 5;

const COUNTED = Object.values(DEMO_RESOURCES).map((one) => one.counted);

export function reportText(report: Report & { arrivals: Arrivals }): string {
  const { totals, drift } = report;
  return [
    ...accountTable(report),
    '',
    `changes that came after that: ${arrivalsInWords(report.arrivals)}`,
    `quota violations: ${amount(totals.quotaViolations)}`,
    `change feeds: ${report.feedProblems === 0 ? 'gapless, and they fold to the rows' : counted(report.feedProblems, 'contradiction')}`,
    `drift: ${amount(drift.missing)} missing, ${amount(drift.extra)} extra, ${amount(drift.stale)} stale`,
    ...report.accounts.flatMap(problemsOf).map(printable),
  ].join('\n');
}

function accountTable({ accounts, totals }: Report): string[] {
  const columns = [
    { title: 'ACCOUNT' },
    ...[...COUNTED.map((name) => name.toUpperCase()), 'CHANGES APPLIED', 'QUOTA UNITS', 'TIME'].map(
      (title) => ({
        title,
        align: 'right' as const,
      }),
    ),
  ];
  const rows = accounts.map((account) => [
    account.email,
    ...numbersOf(account),
    account.mirroredAfterMs === null ? 'never' : duration(account.mirroredAfterMs),
  ]);
  return table(columns, [
    ...rows,
    [`total of ${accounts.length}`, ...numbersOf(totals), duration(totals.elapsedMs)],
  ]);
}

function numbersOf(of: Counts & { changesApplied: number; quotaUnits: number }): string[] {
  return [...COUNTED.map((name) => of[name]), of.changesApplied, of.quotaUnits].map(amount);
}

function problemsOf(account: AccountReport): string[] {
  const kinds = ['missing', 'extra', 'stale'] as const;
  return [
    ...kinds
      .filter((kind) => account.drift[kind].length > 0)
      .map((kind) => named(account.email, kind, account.drift[kind])),
    ...account.details.map((detail) => `  ${account.email}: ${detail}`),
    ...(account.feed.length > 0 ? [named(account.email, 'change feed', account.feed)] : []),
  ];
}

function named(email: string, what: string, items: readonly string[]): string {
  const more = items.length - NAMED_LIMIT;
  return `  ${email}, ${what}: ${items.slice(0, NAMED_LIMIT).join('; ')}${more > 0 ? ` … and ${amount(more)} more` : ''}`;
}
