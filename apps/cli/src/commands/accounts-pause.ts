import {
  pauseAccount,
  resumeAccount,
  confirmMailbox,
  type NotResumable,
} from '@syncline/control/accounts';
import { OperatorError } from '@syncline/runtime';
import type { NamedAccount, Store } from '@syncline/store';
import type { Command } from 'commander';
import { findAccount } from '../accounts.js';
import { runWithStore } from '../command.js';
import { printJson } from '../output.js';
import { printMessage } from '../terminal.js';
import { forOneAccount, type OneAccountOptions } from './one-account.js';

/** `syncline accounts pause EMAIL`: stops an account's work within two seconds. */
export function addAccountsPause(accounts: Command): void {
  forOneAccount(
    accounts.command('pause'),
    'stop the work for this account; its rows stay readable',
  ).action((email: string, options: OneAccountOptions) =>
    runWithStore(async (_cli, store) => {
      const account = await findAccount(store, email, options.tenant);
      const paused = await pauseAccount({ store }, account);
      if (paused.kind === 'refused')
        throw new OperatorError(`${email} cannot be paused: it is ${paused.state}.`);
      return printState(account, 'paused', options, paused.already ? ' already' : '');
    }),
  );
}

/** `syncline accounts resume EMAIL`: resumes an account from its cursors. */
export function addAccountsResume(accounts: Command): void {
  forOneAccount(
    accounts.command('resume'),
    'sync everything of this account again, now; a grant that Google refuses is tried once',
  )
    .option(
      '--same-mailbox',
      'confirm that the new grant is of the same mailbox, although nothing proves it; its mirror continues',
    )
    .action((email: string, options: OneAccountOptions & { sameMailbox?: true }) =>
      runWithStore(async (_cli, store) => {
        const account = await findAccount(store, email, options.tenant);
        if (options.sameMailbox) await confirm(store, account);
        else await resume(store, account, email);
        return printState(account, 'active', options);
      }),
    );
}

async function resume(store: Store, account: NamedAccount, email: string): Promise<void> {
  const resumed = await resumeAccount({ store }, account);
  if (resumed.kind === 'refused')
    throw new OperatorError(`${email} cannot be resumed: ${adviceOf(resumed)}.`);
}

async function confirm(store: Store, account: NamedAccount): Promise<void> {
  const { email } = account;
  if ((await confirmMailbox({ store }, account)) === 'not-waiting')
    throw new OperatorError(
      `${email} does not wait for a confirmation of its grant. See: syncline why ${email}`,
    );
}

async function printState(
  account: NamedAccount,
  state: string,
  options: OneAccountOptions,
  since: '' | ' already' = '',
): Promise<number> {
  if (options.json) await printJson({ email: account.email, tenant: account.tenant, state });
  else printMessage(`${account.email} is ${state}${since}`);
  return 0;
}

function adviceOf({ state, reason }: NotResumable): string {
  return state === 'reauth_required'
    ? (reason ?? 'its grant is refused; import a new refresh token')
    : `it is ${state}`;
}
