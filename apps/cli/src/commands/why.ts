import { activeCollections } from '@syncline/control/accounts';
import {
  type AccountStatus,
  accountStatus,
  auditWords,
  explanationWords,
  statusDocument,
  watchWords,
} from '@syncline/control/status';
import { counted, nameOf, stateOf, when } from '@syncline/control/words';
import { unitNameOf } from '@syncline/google/costs';
import { DEFAULT_PROJECT } from '@syncline/runtime';
import type { AccountView, CollectionView } from '@syncline/store';
import type { Command } from 'commander';
import { foundOr } from '../accounts.js';
import { progressOf } from '../cells.js';
import { runWithStore } from '../command.js';
import { print, printJson } from '../output.js';
import { printable, table } from '../terminal.js';

/** `syncline why EMAIL|ID`: shows on one screen why this account is fresh or stale. */
export function addWhy(program: Command): void {
  program
    .command('why')
    .description('why this account is as fresh or stale as it is')
    .argument(
      '<account>',
      'its address, or the id of it, a collection, an operation or a connect session',
    )
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'print one document')
    .action((name: string, options: { tenant?: string; json?: true }) =>
      runWithStore(async ({ rt }, store) => {
        const { tenant } = options;
        const status = foundOr(await accountStatus(rt, { store }, { name, tenant }));
        if (options.json) await printJson(statusDocument(status));
        else await print(screenOf(status));
        return 0;
      }),
    );
}

/** Returns the text for a person. */
export function screenOf({ atMs, account, collections, spentToday }: AccountStatus): string {
  const columns = ['COLLECTION', 'PHASE', 'PROGRESS', 'SYNCED', 'NEXT SYNC', 'WHY'].map(
    (title) => ({ title }),
  );
  const rows = collections.map(({ collection: c, explanation }) => [
    nameOf(c),
    c.phase,
    progressOf(c, atMs),
    when(c.lastSyncedAt, atMs),
    nextSync(c, atMs),
    explanationWords(explanation, atMs),
  ]);
  return [
    printable(
      `${account.email} (tenant ${account.tenant}, ${account.project === DEFAULT_PROJECT ? '' : `Google project ${account.project}, `}account ${account.id})`,
    ),
    printable(`state: ${stateOf(account)}`),
    '',
    ...table(columns, rows),
    ...watchLines(account, atMs),
    '',
    ...auditWords(account, atMs).map(printable),
    ...quarantineLines(account, atMs),
    '',
    spentToday.length === 0 ? 'spent today: nothing' : 'spent today:',
    ...spentToday.map(
      ({ method, calls, units }) =>
        `  ${method}: ${counted(calls, 'call')}, ${counted(units, unitNameOf(method))}`,
    ),
  ].join('\n');
}

/** Returns a line for each collection with a requested watch. */
function watchLines(account: AccountView, nowMs: number): string[] {
  const lines = activeCollections(account).flatMap((c) => {
    const words = watchWords(c, nowMs);
    return words === null ? [] : [printable(`  ${nameOf(c)}: ${words}`)];
  });
  return lines.length === 0 ? [] : ['', 'watches:', ...lines];
}

function quarantineLines(account: AccountView, nowMs: number): string[] {
  const items = account.collections.reduce((sum, c) => sum + c.quarantined, 0);
  const named = account.collections.flatMap((c) =>
    c.unreadable.map(({ id, state, reason, since, nextTryAt }) =>
      printable(
        `  ${nameOf(c)} ${id}: ${reason}; ${state} since ${when(since, nowMs)}, next try ${nextTryAt === null ? 'by quarantine retry' : when(nextTryAt, nowMs)}`,
      ),
    ),
  );
  if (items === 0) return named.length === 0 ? [] : ['', 'being retried:', ...named];
  return [
    '',
    `in quarantine: ${counted(items, 'item')}; see them with: syncline quarantine list ${printable(account.email)}`,
    ...named,
  ];
}

function nextSync(c: CollectionView, nowMs: number): string {
  if (c.nextSyncAt === null) return 'never';
  return c.nextSyncAt.getTime() <= nowMs ? 'now' : when(c.nextSyncAt, nowMs);
}
