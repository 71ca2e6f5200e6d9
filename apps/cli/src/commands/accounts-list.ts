import type { AccountView, CollectionView } from '@syncline/store';
import type { Command } from 'commander';
import { runWithStore } from '../command.js';
import { print, printJson } from '../output.js';
import { table } from '../terminal.js';
import { etaOf, nameOf, progressOf, stateOf, when } from '../words.js';

/**
 * `syncline accounts list`: every account and how fresh each of its collections is. Collections that Google no longer shows
 * to the account are left out, since nothing about them will ever be fresh again; `syncline why` names them.
 */
export function addAccountsList(accounts: Command): void {
  accounts
    .command('list')
    .description('every account with its collections: phase, progress, freshness, errors')
    .option('--tenant <tenant>', "only this tenant's")
    .option(
      '--json',
      'print [{id,email,tenant,project,state,reason,reasonCode,aliases,collections:[…]}]',
    )
    .action((options: { tenant?: string; json?: true }) =>
      runWithStore(async ({ rt }, store) => {
        const known = await store.accounts.list();
        const listed =
          options.tenant === undefined
            ? known
            : known.filter((account) => account.tenant === options.tenant);
        const nowMs = rt.clock.nowMs();
        if (options.json) await printJson(listed.map((account) => documentOf(account, nowMs)));
        else
          await print(
            listed.length === 0
              ? 'no accounts; connect some with: syncline accounts import FILE'
              : tableOf(listed, nowMs),
          );
        return 0;
      }),
    );
}

/** The account as `--json` shows it; the names are the product's public face. */
export function documentOf(account: AccountView, nowMs: number): object {
  const { id, email, tenant, project, state, reason, reasonCode, aliases, feed } = account;
  return {
    id,
    email,
    tenant,
    project,
    state,
    reason,
    reasonCode,
    aliases,
    feed,
    collections: activeOf(account).map((collection) => collectionDocument(collection, nowMs)),
  };
}

function collectionDocument(collection: CollectionView, nowMs: number): object {
  const {
    id,
    kind,
    externalId,
    phase,
    progress,
    lastSyncedAt,
    nextSyncAt,
    error,
    parked,
    heldSweep,
    quarantined,
    troubled,
    audit,
  } = collection;
  return {
    id,
    kind,
    externalId,
    phase,
    progress: { ...progress, etaSeconds: etaOf(collection, nowMs) },
    lastSyncedAt,
    nextSyncAt,
    error,
    parked,
    heldSweep,
    quarantined,
    troubled,
    audit,
  };
}

function tableOf(accounts: readonly AccountView[], nowMs: number): string {
  const columns = [
    'ACCOUNT',
    'TENANT',
    'STATE',
    'COLLECTION',
    'PHASE',
    'PROGRESS',
    'SYNCED',
    'ERROR',
  ].map((title) => ({ title }));
  const rows = accounts.flatMap((account) => {
    const head = [account.email, account.tenant, stateOf(account)];
    const collections = activeOf(account);
    if (collections.length === 0) return [head];
    return collections.map((c, i) => [
      ...(i === 0 ? head : ['', '', '']),
      nameOf(c),
      c.phase,
      progressOf(c, nowMs),
      when(c.lastSyncedAt, nowMs),
      troubleOf(c),
    ]);
  });
  return table(columns, rows).join('\n');
}

function troubleOf(c: CollectionView): string {
  return [c.error ?? '', c.quarantined > 0 ? `${c.quarantined} in quarantine` : '']
    .filter(Boolean)
    .join('; ');
}

function activeOf(account: AccountView): CollectionView[] {
  return account.collections.filter(({ state }) => state === 'active');
}
