import {
  accountDocument,
  accountPages,
  activeCollections,
  type AccountFilter,
} from '@syncline/control/accounts';
import { nameOf, stateOf, when } from '@syncline/control/words';
import { stdout } from '@syncline/runtime';
import type { AccountView, CollectionView } from '@syncline/store';
import { type Command, Option } from 'commander';
import { runWithStore, wholeNumber } from '../command.js';
import { print, printJsonList } from '../output.js';
import { tableInPieces } from '../terminal.js';
import { progressOf, shortReason } from '../cells.js';

interface ListOptions extends AccountFilter {
  json?: true;
}

const STATES: Record<AccountView['state'], true> = {
  active: true,
  reauth_required: true,
  paused: true,
  disabled: true,
  removing: true,
};

/**
 * `syncline accounts list`: shows every account and how fresh each of its collections is.
 * Collections that no longer exist at Google for the account are left out; `syncline why` names
 * them.
 */
export function addAccountsList(accounts: Command): void {
  accounts
    .command('list')
    .description('every account with its collections: phase, progress, freshness, errors')
    .option('--tenant <tenant>', "only this tenant's")
    .addOption(
      new Option('--state <state>', 'only accounts in this state').choices(Object.keys(STATES)),
    )
    .option('--limit <count>', 'at most this many accounts', wholeNumber(1))
    .option(
      '--json',
      'print [{id,email,tenant,project,state,reason,reasonCode,aliases,collections:[…]}]',
    )
    .action(({ json, ...filter }: ListOptions) =>
      runWithStore(async ({ rt }, store) => {
        const pages = accountPages({ store }, filter);
        if (json) await printJsonList(documentsOf(pages, () => rt.clock.nowMs()));
        else await printTable(pages, filter, () => rt.clock.nowMs());
        return 0;
      }),
    );
}

async function* documentsOf(
  pages: AsyncIterable<readonly AccountView[]>,
  nowMs: () => number,
): AsyncGenerator<object> {
  for await (const page of pages)
    for (const account of page) yield accountDocument(account, nowMs());
}

async function printTable(
  pages: AsyncIterable<readonly AccountView[]>,
  filter: AccountFilter,
  nowMs: () => number,
): Promise<void> {
  const linesOf = tableInPieces(COLUMNS);
  let isEmpty = true;
  for await (const page of pages) {
    isEmpty = false;
    await print(linesOf(page.flatMap((account) => rowsOf(account, nowMs()))).join('\n'));
    if (stdout().isClosed) return;
  }
  if (isEmpty) await print(nothingFor(filter));
}

/** `no accounts; …`, `tenant acme has no accounts`, `no accounts in the state paused`. */
function nothingFor({ tenant, state }: AccountFilter): string {
  if (tenant === undefined && state === undefined)
    return 'no accounts; connect some with: syncline accounts import FILE';
  const kind = state === undefined ? 'accounts' : `accounts in the state ${state}`;
  return tenant === undefined ? `no ${kind}` : `tenant ${tenant} has no ${kind}`;
}

const COLUMNS = [
  'ACCOUNT',
  'TENANT',
  'STATE',
  'COLLECTION',
  'PHASE',
  'PROGRESS',
  'SYNCED',
  'ERROR',
].map((title) => ({ title }));

function rowsOf(account: AccountView, nowMs: number): string[][] {
  const head = [account.email, account.tenant, shortReason(stateOf(account))];
  const collections = activeCollections(account);
  if (collections.length === 0) return [head];
  return collections.map((c, i) => [
    ...(i === 0 ? head : ['', '', '']),
    nameOf(c),
    c.phase,
    progressOf(c, nowMs),
    when(c.lastSyncedAt, nowMs),
    problemOf(c),
  ]);
}

function problemOf(c: CollectionView): string {
  return [shortReason(c.error ?? ''), c.quarantined > 0 ? `${c.quarantined} in quarantine` : '']
    .filter(Boolean)
    .join('; ');
}
