/** What `syncline quota` tells, as a document and in words. */
import { amount, duration } from '@syncline/control/words';
import type { DayUsed, QuotaUsage, Used } from '@syncline/google';
import { DEFAULT_PROJECT } from '@syncline/runtime';
import type { SpentToday } from '@syncline/store';
import { type Column, bar, table } from './terminal.js';

/** The current minute of each project. */
export type Usage = Record<string, QuotaUsage>;

export interface Backfill {
  email: string;
  tenant: string;
  collection: string;
  done: number;
  total: number | null;
  etaSeconds: number | null;
  text: string;
}

/**
 * The quota user of an account's calls: its Google identity, which accounts of several tenants may
 * share.
 */
export function quotaUserOf({
  accountId,
  identityId,
}: Pick<SpentToday, 'accountId' | 'identityId'>): string {
  return identityId ?? accountId;
}

/** Accounts in the table for people; the document has them all. */
const SHOWN_LIMIT = 40;

/** `minute` is the default project's; `projects` has them all. */
export function quotaDocument(
  spent: readonly SpentToday[],
  usage: Usage | null,
  backfills: readonly Backfill[],
): object {
  const today = {
    byMethod: byMethod(spent),
    byAccount: byAccount(spent),
    byProject: byProject(spent),
  };
  return {
    today,
    minute: usage?.[DEFAULT_PROJECT] ?? null,
    projects: usage,
    backfills,
    backfillsEndInSeconds: endOf(backfills),
  };
}

/** For a person. */
export function quotaText(
  spent: readonly SpentToday[],
  usage: Usage | null,
  backfills: readonly Backfill[],
): string {
  return [
    ...spentLines(spent, usage),
    '',
    ...(usage === null
      ? ['This minute: unknown, Redis does not answer']
      : Object.entries(usage).flatMap(([name, used]) => projectLines(name, used))),
    '',
    ...backfillLines(backfills, endOf(backfills)),
  ].join('\n');
}

/** When the last of them ends if all go on as they have gone so far; null while one cannot tell, or there is none. */
function endOf(backfills: readonly Backfill[]): number | null {
  const ends = backfills.map(({ etaSeconds }) => etaSeconds);
  return ends.length === 0 || ends.includes(null) ? null : Math.max(...ends.map(Number));
}

interface Spending {
  calls: number;
  units: number;
}

function byMethod(spent: readonly SpentToday[]): ({ method: string } & Spending)[] {
  return [...summed(spent, ({ method }) => method)]
    .map(([method, sum]) => ({ method, ...sum }))
    .sort((a, b) => b.units - a.units);
}

function byProject(
  spent: readonly SpentToday[],
): { project: string; gmailUnits: number; calendarRequests: number }[] {
  const unitsOf = (project: string, api: string): number =>
    spent
      .filter((entry) => entry.project === project && entry.method.startsWith(api))
      .reduce((sum, { units }) => sum + units, 0);
  return [...new Set(spent.map(({ project }) => project))].sort().map((project) => ({
    project,
    gmailUnits: unitsOf(project, 'gmail.'),
    calendarRequests: unitsOf(project, 'calendar.'),
  }));
}

function byAccount(spent: readonly SpentToday[]): {
  accountId: string;
  email: string;
  tenant: string;
  identityId: string | null;
  project: string;
  gmailUnits: number;
  calendarRequests: number;
}[] {
  const accounts = new Map(
    spent.map(({ accountId, email, tenant, identityId, project }) => [
      accountId,
      { email, tenant, identityId, project },
    ]),
  );
  const gmail = summed(
    spent.filter(({ method }) => method.startsWith('gmail.')),
    ({ accountId }) => accountId,
  );
  const calendar = summed(
    spent.filter(({ method }) => method.startsWith('calendar.')),
    ({ accountId }) => accountId,
  );
  return [...accounts]
    .map(([accountId, account]) => ({
      accountId,
      ...account,
      gmailUnits: gmail.get(accountId)?.units ?? 0,
      calendarRequests: calendar.get(accountId)?.units ?? 0,
    }))
    .sort((a, b) => b.gmailUnits - a.gmailUnits);
}

function summed(
  spent: readonly SpentToday[],
  keyOf: (entry: SpentToday) => string,
): Map<string, Spending> {
  const sums = new Map<string, Spending>();
  for (const entry of spent) {
    const before = sums.get(keyOf(entry)) ?? { calls: 0, units: 0 };
    sums.set(keyOf(entry), {
      calls: before.calls + entry.calls,
      units: before.units + entry.units,
    });
  }
  return sums;
}

function spentLines(spent: readonly SpentToday[], usage: Usage | null): string[] {
  if (spent.length === 0) return ['Nothing was spent today (by Pacific time)'];
  const methods = byMethod(spent).map(({ method, calls, units }) => [
    method,
    amount(calls),
    amount(units),
  ]);
  return [
    'Spent today (by Pacific time), by method',
    ...table([{ title: 'METHOD' }, numbers('CALLS'), numbers('UNITS')], methods),
    '',
    ...accountLines(spent, usage),
  ];
}

function accountLines(spent: readonly SpentToday[], usage: Usage | null): string[] {
  const accounts = byAccount(spent);
  const rows = accounts
    .slice(0, SHOWN_LIMIT)
    .map((account) => [
      account.email,
      account.tenant,
      amount(account.gmailUnits),
      amount(account.calendarRequests),
      minuteOf(usageOf(usage, account)?.gmail.users, account),
      minuteOf(usageOf(usage, account)?.calendar.users, account),
    ]);
  const columns = [
    { title: 'ACCOUNT' },
    { title: 'TENANT' },
    numbers('GMAIL UNITS'),
    numbers('CALENDAR REQUESTS'),
    numbers('GMAIL THIS MINUTE'),
    numbers('CALENDAR THIS MINUTE'),
  ];
  const more = accounts.length - SHOWN_LIMIT;
  return [
    'By account',
    ...table(columns, rows),
    ...(more > 0 ? [`… and ${amount(more)} more`] : []),
  ];
}

function projectLines(name: string, { gmail, calendar }: QuotaUsage): string[] {
  const rows: [string, { used: number; limit: number }, string][] = [
    ['Gmail units this minute', gmail.project, stateOf(gmail.project)],
    ['Gmail units today (Pacific)', gmail.day, dayState(gmail.day)],
    ['Calendar requests this minute', calendar.project, stateOf(calendar.project)],
  ];
  const cells = rows.map(([what, { used, limit }, state]) => [
    what,
    bar(used, limit),
    amount(used),
    amount(limit),
    amount(Math.max(0, limit - used)),
    state,
  ]);
  return [
    `The project ${name}`,
    ...table(
      [
        { title: '' },
        { title: '' },
        numbers('SPENT'),
        numbers('LIMIT'),
        numbers('LEFT'),
        { title: '' },
      ],
      cells,
    ),
  ];
}

function stateOf({ closedForMs, pacePercent }: Used): string {
  const closed = closedForMs > 0 ? `closed by Google for ${duration(closedForMs)}` : '';
  return [closed, pacePercent < 100 ? `slowed to ${pacePercent} % after a refusal` : '']
    .filter(Boolean)
    .join('; ');
}

/** What the day's budget still allows, by lane. */
function dayState({ used, limit, backfillBound, catchUpBound, endsInMs }: DayUsed): string {
  if (used < backfillBound) return `backfills may go on to ${amount(backfillBound)} by now`;
  const resting = used < catchUpBound ? 'backfills rest' : 'backfills and catch-up rest';
  return `${resting}${used >= limit ? `, for ${duration(endsInMs)}` : ' until the day is older'}; live changes go on`;
}

function backfillLines(backfills: readonly Backfill[], endsInSeconds: number | null): string[] {
  if (backfills.length === 0) return ['No backfill in hand'];
  const rows = backfills
    .slice(0, SHOWN_LIMIT)
    .map(({ email, tenant, collection, text }) => [email, tenant, collection, text]);
  const more = backfills.length - SHOWN_LIMIT;
  const end = endsInSeconds === null ? '' : `, the last ends in ${duration(endsInSeconds * 1_000)}`;
  return [
    `Backfills in hand${end}`,
    ...table(
      [{ title: 'ACCOUNT' }, { title: 'TENANT' }, { title: 'COLLECTION' }, { title: 'PROGRESS' }],
      rows,
    ),
    ...(more > 0 ? [`… and ${amount(more)} more`] : []),
  ];
}

/** An account's project may have left the configuration, and be called like what every object has. */
function usageOf(usage: Usage | null, { project }: Pick<SpentToday, 'project'>): QuotaUsage | null {
  return usage && Object.hasOwn(usage, project) ? (usage[project] ?? null) : null;
}

function minuteOf(
  users: Readonly<Record<string, Used>> | undefined,
  account: Pick<SpentToday, 'accountId' | 'identityId'>,
): string {
  const user = quotaUserOf(account);
  const used = users && Object.hasOwn(users, user) ? users[user] : undefined;
  if (used === undefined) return '?';
  return `${amount(used.used)}/${amount(used.limit)}${used.closedForMs > 0 ? ` closed for ${duration(used.closedForMs)}` : ''}${used.pacePercent < 100 ? ` at ${used.pacePercent} %` : ''}`;
}

function numbers(title: string): Column {
  return { title, align: 'right' };
}
