import { DEFAULT_PROJECT } from '@syncline/runtime';
import type { AccountView, CollectionView, SpentToday } from '@syncline/store';
import type { Command } from 'commander';
import { findAccountView } from '../accounts.js';
import { runWithStore } from '../command.js';
import { doorbellLines } from '../doorbell-words.js';
import { print, printJson } from '../output.js';
import { printable, table } from '../terminal.js';
import {
  amount,
  counted,
  etaOf,
  heldSweepWords,
  nameOf,
  progressOf,
  stateOf,
  when,
} from '../words.js';

/** `syncline why EMAIL`: one screen that says why this account is as fresh or stale as it is. */
export function addWhy(program: Command): void {
  program
    .command('why')
    .description('why this account is as fresh or stale as it is')
    .argument('<email>')
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'print one document')
    .action((email: string, options: { tenant?: string; json?: true }) =>
      runWithStore(async ({ rt }, store) => {
        const account = await findAccountView(store, email, options.tenant);
        const spent = (await store.quota.today()).filter(
          ({ accountId }) => accountId === account.id,
        );
        const nowMs = rt.clock.nowMs();
        if (options.json) await printJson(documentOf(account, spent, nowMs));
        else await print(screenOf(account, spent, nowMs));
        return 0;
      }),
    );
}

/** Everything of the account's view, with the verdict in words for each collection. */
function documentOf(account: AccountView, spent: readonly SpentToday[], nowMs: number): object {
  const collections = account.collections.map((c) => ({
    ...c,
    progress: { ...c.progress, etaSeconds: etaOf(c, nowMs) },
    wanted: isWanted(c),
    held: isHeld(c, nowMs),
    why: verdictOn(account, c, nowMs),
  }));
  return {
    ...account,
    collections,
    spentToday: spent.map(({ method, calls, units }) => ({ method, calls, units })),
  };
}

function screenOf(account: AccountView, spent: readonly SpentToday[], nowMs: number): string {
  const columns = ['COLLECTION', 'PHASE', 'PROGRESS', 'SYNCED', 'NEXT LOOK', 'WHY'].map(
    (title) => ({ title }),
  );
  const rows = account.collections.map((c) => [
    nameOf(c),
    c.phase,
    progressOf(c, nowMs),
    when(c.lastSyncedAt, nowMs),
    nextLook(c, nowMs),
    verdictOn(account, c, nowMs),
  ]);
  return [
    printable(
      `${account.email} (tenant ${account.tenant}, ${account.project === DEFAULT_PROJECT ? '' : `Google project ${account.project}, `}account ${account.id})`,
    ),
    printable(`state: ${stateOf(account)}`),
    '',
    ...table(columns, rows),
    ...doorbellLines(account, nowMs).map(printable),
    ...audits(account, nowMs),
    ...setAside(account, nowMs),
    '',
    spent.length === 0 ? 'spent today: nothing' : 'spent today:',
    ...spent.map(
      ({ method, calls, units }) =>
        `  ${method}: ${counted(calls, 'call')}, ${counted(units, method.startsWith('calendar.') ? 'request' : 'unit')}`,
    ),
  ].join('\n');
}

/** What was held against Google, when, and what that found; nothing is said of what was not looked at. */
export function audits(account: Pick<AccountView, 'collections'>, nowMs: number): string[] {
  const active = account.collections.filter(({ state }) => state === 'active');
  const ended = active.flatMap((c) => (c.audit.last === null ? [] : [c.audit.last]));
  const never = active.filter(({ audit }) => audit.last === null && audit.inHand === null);
  const total = (of: 'checked' | 'contents' | 'drift'): number =>
    ended.reduce((sum, audit) => sum + audit[of], 0);
  const oldest = ended.reduce((first, { at }) => Math.min(first, at.getTime()), nowMs);
  const whole = `audited ${when(new Date(oldest), nowMs)}${ended.length > 1 ? ' or later' : ''}: ${counted(total('checked'), 'item')} compared, ${amount(total('contents'))} of them with their content; ${found(total('drift'))}`;
  const inHand = active.flatMap((c) =>
    c.audit.inHand === null
      ? []
      : [
          `audit of ${nameOf(c)} under way since ${when(c.audit.inHand.begunAt, nowMs)}: ${counted(c.audit.inHand.checked, 'item')} listed; so far ${found(c.audit.inHand.drift)}`,
        ],
  );
  const lines = [
    ...(ended.length > 0 ? [whole] : []),
    ...inHand,
    ...(never.length > 0 ? [`not audited: ${never.map(nameOf).join(', ')}`] : []),
  ];
  return ['', ...lines.map(printable)];
}

function found(drift: number): string {
  return drift === 0
    ? 'nothing differed'
    : `${counted(drift, 'item')} differed and ${drift === 1 ? 'is' : 'are'} mended`;
}

function setAside(account: AccountView, nowMs: number): string[] {
  const items = account.collections.reduce((sum, c) => sum + c.quarantined, 0);
  const named = account.collections.flatMap((c) =>
    c.troubled.map(({ id, state, reason, since, nextTryAt }) =>
      printable(
        `  ${nameOf(c)} ${id}: ${reason}; ${state} since ${when(since, nowMs)}, next try ${nextTryAt === null ? 'by quarantine retry' : when(nextTryAt, nowMs)}`,
      ),
    ),
  );
  if (items === 0) return named.length === 0 ? [] : ['', 'being tried again:', ...named];
  return [
    '',
    `in quarantine: ${counted(items, 'item')}; see them with: syncline quarantine list ${printable(account.email)}`,
    ...named,
  ];
}

/** The one reason that explains the collection's state best. */
export function verdictOn(
  account: Pick<AccountView, 'state'>,
  c: CollectionView,
  nowMs: number,
): string {
  if (account.state !== 'active') return `not synced while the account is ${account.state}`;
  if (c.state === 'removing') return 'mirrored no more; its rows are being erased';
  if (c.state === 'gone')
    return `Google no longer shows it${c.error === null ? '' : `: ${c.error}`}`;
  const trouble =
    c.error !== null && c.failures > 1 ? `${c.error} (${c.failures} times in a row)` : c.error;
  if (isHeld(c, nowMs))
    return `at work now, held by ${c.leaseHolder ?? 'a worker'}${trouble === null ? '' : `; before: ${trouble}`}`;
  if (c.parked !== null)
    return `rests, ${trouble}; tried again ${when(c.nextSyncAt, nowMs)}, or at once when a new token is imported`;
  if (c.heldSweep !== null) {
    const words = heldSweepWords(c.heldSweep, nowMs);
    return trouble === null || trouble.startsWith('held: ') ? words : `${trouble}; ${words}`;
  }
  if (trouble !== null) return trouble;
  if (isWanted(c))
    return `wanted since ${when(c.wantedAt, nowMs)}, not served yet; is a scheduler running, and a worker?`;
  if (isOverdue(c, nowMs))
    return `due ${when(c.nextSyncAt, nowMs)}; is a scheduler running, and a worker?`;
  return c.phase === 'follow' ? 'fresh' : 'its walk goes on in slices';
}

/** Somebody asked for a look, and no run that began since has finished. */
function isWanted(c: CollectionView): boolean {
  return c.wantedAt !== null && (c.servedAt === null || c.servedAt < c.wantedAt);
}

function isHeld(c: CollectionView, nowMs: number): boolean {
  return c.leaseUntil !== null && c.leaseUntil.getTime() > nowMs;
}

/** A minute late is not the fleet's usual way. */
const OVERDUE_MS = 60_000;

function isOverdue(c: CollectionView, nowMs: number): boolean {
  return c.nextSyncAt !== null && c.nextSyncAt.getTime() < nowMs - OVERDUE_MS;
}

function nextLook(c: CollectionView, nowMs: number): string {
  if (c.nextSyncAt === null) return 'never';
  return c.nextSyncAt.getTime() <= nowMs ? 'now' : when(c.nextSyncAt, nowMs);
}
