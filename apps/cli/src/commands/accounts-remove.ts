import {
  removeAccount,
  type AccountRemoval,
  type RemovalStep,
  type Revocation,
} from '@syncline/control/removal';
import { counted, duration } from '@syncline/control/words';
import { OperatorError, unreachable } from '@syncline/runtime';
import type { NamedAccount, Store } from '@syncline/store';
import type { Command } from 'commander';
import { findAccount } from '../accounts.js';
import { confirmed } from '../confirm.js';
import { runWithStore, type Cli } from '../command.js';
import { printJson } from '../output.js';
import { openProgress, printMessage } from '../terminal.js';
import { withGoogle } from '../with-google.js';
import { forOneAccount, type OneAccountOptions } from './one-account.js';

/**
 * `syncline accounts remove EMAIL`: does the work itself and waits for its end; workers finish an
 * interrupted removal.
 */
export function addAccountsRemove(accounts: Command): void {
  forOneAccount(
    accounts.command('remove'),
    'revoke the grant, unless other accounts of the same Google account need it, and erase every row of this account',
  )
    .option('--keep-grant', 'keep the grant at Google')
    .option('--yes', 'do not ask on a terminal')
    .action((email: string, options: RemoveOptions) =>
      runWithStore(
        (cli, store) => removeAndReport(cli, store, email, options),
        ['google', 'master-key'],
        {
          takesOtherKey: true,
        },
      ),
    );
}

interface RemoveOptions extends OneAccountOptions {
  keepGrant?: true;
  yes?: true;
}

async function removeAndReport(
  cli: Cli,
  store: Store,
  email: string,
  options: RemoveOptions,
): Promise<number> {
  const account = await findAccount(store, email, options.tenant);
  const { tenant } = account;
  const question = `Remove ${email} of tenant ${tenant}, with every row of it?`;
  if (!options.yes && !options.json && !(await confirmed(question, cli.rt.signal))) {
    printMessage('nothing was removed');
    return 1;
  }
  const { rows, grant, sharedWith } = await remove(cli, store, account, options);
  if (options.json) await printJson({ email, tenant, state: 'removed', rows, grant, sharedWith });
  else
    printMessage(
      `${email} is removed: ${counted(rows, 'row')} erased; ${grantWords(grant, sharedWith)}`,
    );
  return 0;
}

type Removed = Extract<AccountRemoval, { kind: 'removed' }>;

async function remove(
  cli: Cli,
  store: Store,
  account: NamedAccount,
  options: RemoveOptions,
): Promise<Removed> {
  const progress = openProgress(cli.rt.clock);
  const input = { account, keepGrant: options.keepGrant === true };
  const onProgress = (step: RemovalStep): void => progress.show({ line: inWords(step) });
  try {
    return await withGoogle(cli, store, async (google, rt) =>
      removedOf(await removeAccount(rt, { store, google }, input, onProgress)),
    );
  } finally {
    progress.end();
  }
}

function removedOf(removal: AccountRemoval): Removed {
  if (removal.kind === 'removed') return removal;
  const { error, missingKey } = removal;
  const lost =
    missingKey === null ? '' : ` If that key is lost: syncline keys retire-lost ${missingKey}`;
  throw new OperatorError(
    `The grant could not be revoked yet (${error.message}). The workers retry it; the account is stopped already.${lost}`,
  );
}

function grantWords(grant: Revocation, sharedWith: readonly string[]): string {
  if (grant !== 'shared') return GRANT_WORDS[grant];
  const tenants = [...new Set(sharedWith)].join(', ');
  return `${GRANT_WORDS.shared} (${sharedWith.length === 1 ? 'tenant' : 'tenants'} ${tenants})`;
}

const GRANT_WORDS: Record<Revocation, string> = {
  kept: 'the grant is kept',
  shared: 'the grant is kept, since other accounts of the same Google account need it',
  'maybe-shared':
    'the grant is kept, since it is unknown whether other accounts here need it; the customer can end it at https://myaccount.google.com/connections',
  revoked: 'the grant is revoked',
  'already-gone': 'the grant is gone already',
  delegated: 'there is no grant to revoke, since a service account acts for the account',
  refused:
    'Google refuses to revoke the grant; the customer can, at https://myaccount.google.com/connections',
  unreadable:
    'the grant could not be revoked, since its stored refresh token does not open; the customer can, at https://myaccount.google.com/connections',
};

function inWords(step: RemovalStep): string {
  switch (step.step) {
    case 'waiting':
      return `waiting ${duration(step.ms)} for the last run to end`;
    case 'revoked':
      return grantWords(step.how, step.sharedWith);
    case 'erased':
      return `${counted(step.rows, 'row')} erased`;
    default:
      return unreachable(step);
  }
}
