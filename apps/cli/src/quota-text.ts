/** The texts of `syncline quota`. */
import {
  quotaUserOf,
  type AccountSpending,
  type QuotaReport,
  type Usage,
} from '@syncline/control/quota';
import { amount, duration } from '@syncline/control/words';
import {
  API_NAMES,
  APIS,
  type Api,
  type DayUsed,
  type QuotaUsage,
  type Used,
} from '@syncline/google';
import { fullSyncCell } from './cells.js';
import { type Column, bar, table } from './terminal.js';

/** The maximum number of accounts in the table for people; the document has all of them. */
const SHOWN_LIMIT = 40;

export function quotaText(report: QuotaReport): string {
  const { usage } = report;
  return [
    ...spentLines(report),
    '',
    ...(usage === null
      ? ['This minute: unknown, Redis does not answer']
      : Object.entries(usage).flatMap(([name, used]) => projectLines(name, used))),
    '',
    ...fullSyncLines(report),
  ].join('\n');
}

function spentLines({ today, usage }: QuotaReport): string[] {
  if (today.byMethod.length === 0) return ['Nothing was spent today (by Pacific time)'];
  const methods = today.byMethod.map(({ method, calls, units }) => [
    method,
    amount(calls),
    amount(units),
  ]);
  return [
    'Spent today (by Pacific time), by method',
    ...table([{ title: 'METHOD' }, numbers('CALLS'), numbers('UNITS')], methods),
    '',
    ...accountLines(today.byAccount, usage),
  ];
}

function accountLines(accounts: readonly AccountSpending[], usage: Usage | null): string[] {
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

/** Returns the rows of the minute, and of the day where the API has a daily limit. */
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

/** Describes the rest of the daily budget, by lane. */
function dayState({ used, limit, bulkBound, onboardingBound, endsInMs }: DayUsed): string {
  if (used < bulkBound) return `bulk calls may use up to ${amount(bulkBound)} now`;
  const resting = used < onboardingBound ? 'bulk calls wait' : 'bulk and onboarding calls wait';
  return `${resting}${used >= limit ? `, for ${duration(endsInMs)}` : ' until later in the day'}; incremental syncs continue`;
}

function fullSyncLines({ fullSyncs, fullSyncsEndInSeconds }: QuotaReport): string[] {
  if (fullSyncs.length === 0) return ['No full sync is in progress'];
  const rows = fullSyncs
    .slice(0, SHOWN_LIMIT)
    .map((one) => [one.email, one.tenant, one.collection, fullSyncCell(one)]);
  const more = fullSyncs.length - SHOWN_LIMIT;
  const end =
    fullSyncsEndInSeconds === null
      ? ''
      : `, the last ends in ${duration(fullSyncsEndInSeconds * 1_000)}`;
  return [
    `Full syncs in progress${end}`,
    ...table(
      [{ title: 'ACCOUNT' }, { title: 'TENANT' }, { title: 'COLLECTION' }, { title: 'PROGRESS' }],
      rows,
    ),
    ...(more > 0 ? [`… and ${amount(more)} more`] : []),
  ];
}

/**
 * Returns a project's usage. An account's project may no longer be configured, and its name may
 * equal an inherited property.
 */
function usageOf(
  usage: Usage | null,
  { project }: Pick<AccountSpending, 'project'>,
): QuotaUsage | null {
  return usage && Object.hasOwn(usage, project) ? (usage[project] ?? null) : null;
}

function minuteOf(
  users: Readonly<Record<string, Used>> | undefined,
  account: Pick<AccountSpending, 'accountId' | 'identityId'>,
): string {
  const user = quotaUserOf(account);
  const used = users && Object.hasOwn(users, user) ? users[user] : undefined;
  if (used === undefined) return '?';
  return `${amount(used.used)}/${amount(used.limit)}${used.closedForMs > 0 ? ` closed for ${duration(used.closedForMs)}` : ''}${used.pacePercent < 100 ? ` at ${used.pacePercent} %` : ''}`;
}

function numbers(title: string): Column {
  return { title, align: 'right' };
}
