/** What `syncline quota` tells, as a document and in words. */
import { amount, duration } from '@syncline/control/words';
import {
  API_NAMES,
  APIS,
  type Api,
  type DayUsed,
  type QuotaUsage,
  type Used,
} from '@syncline/google';
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

/** `gmailUnits`, `calendarRequests`: what was spent of each API's quota. */
function spentOf(api: Api): string {
  const { counts } = APIS[api];
  return `${api}${counts[0]?.toUpperCase()}${counts.slice(1)}`;
}

function ofApi(spent: readonly SpentToday[], api: Api): SpentToday[] {
  return spent.filter(({ method }) => method.startsWith(`${api}.`));
}

/** A key for each API. */
function byApi(unitsOf: (api: Api) => number): Record<string, number> {
  return Object.fromEntries(API_NAMES.map((api) => [spentOf(api), unitsOf(api)]));
}

function byProject(spent: readonly SpentToday[]): object[] {
  const unitsOf = (project: string, api: Api): number =>
    ofApi(spent, api)
      .filter((entry) => entry.project === project)
      .reduce((sum, { units }) => sum + units, 0);
  return [...new Set(spent.map(({ project }) => project))]
    .sort()
    .map((project) => ({ project, ...byApi((api) => unitsOf(project, api)) }));
}

interface AccountSpending {
  accountId: string;
  email: string;
  tenant: string;
  identityId: string | null;
  project: string;
  units: Record<Api, number>;
}

/** Whoever has spent most of the first API comes first. */
function spendings(spent: readonly SpentToday[]): AccountSpending[] {
  const accounts = new Map(
    spent.map(({ accountId, email, tenant, identityId, project }) => [
      accountId,
      { email, tenant, identityId, project },
    ]),
  );
  const sums = API_NAMES.map(
    (api) => [api, summed(ofApi(spent, api), ({ accountId }) => accountId)] as const,
  );
  const [first] = API_NAMES;
  return [...accounts]
    .map(([accountId, account]) => ({
      accountId,
      ...account,
      units: Object.fromEntries(
        sums.map(([api, sum]) => [api, sum.get(accountId)?.units ?? 0]),
      ) as Record<Api, number>,
    }))
    .sort((a, b) => (first ? b.units[first] - a.units[first] : 0));
}

function byAccount(spent: readonly SpentToday[]): object[] {
  return spendings(spent).map(({ units, ...account }) => ({
    ...account,
    ...byApi((api) => units[api]),
  }));
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
  const accounts = spendings(spent);
  const rows = accounts
    .slice(0, SHOWN_LIMIT)
    .map((account) => [
      account.email,
      account.tenant,
      ...API_NAMES.map((api) => amount(account.units[api])),
      ...API_NAMES.map((api) => minuteOf(usageOf(usage, account)?.[api].users, account)),
    ]);
  const columns = [
    { title: 'ACCOUNT' },
    { title: 'TENANT' },
    ...API_NAMES.map((api) => numbers(`${api} ${APIS[api].counts}`.toUpperCase())),
    ...API_NAMES.map((api) => numbers(`${api} this minute`.toUpperCase())),
  ];
  const more = accounts.length - SHOWN_LIMIT;
  return [
    'By account',
    ...table(columns, rows),
    ...(more > 0 ? [`… and ${amount(more)} more`] : []),
  ];
}

type QuotaRow = [what: string, spent: { used: number; limit: number }, state: string];

/** The minute, and the day where the API has a limit for it. */
function rowsOf(api: Api, usage: QuotaUsage[Api]): QuotaRow[] {
  const { title, counts } = APIS[api];
  const minute: QuotaRow = [
    `${title} ${counts} this minute`,
    usage.project,
    stateOf(usage.project),
  ];
  return 'day' in usage
    ? [minute, [`${title} ${counts} today (Pacific)`, usage.day, dayState(usage.day)]]
    : [minute];
}

function projectLines(name: string, usage: QuotaUsage): string[] {
  const rows = API_NAMES.flatMap((api) => rowsOf(api, usage[api]));
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
