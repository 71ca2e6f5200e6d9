import { OperatorError } from '@syncline/runtime';
import type { NamedAccount, Store } from '@syncline/store';
import type { Command } from 'commander';
import { findAccount } from '../accounts.js';
import { printJson } from '../output.js';
import { say } from '../terminal.js';
import { forOneAccount, type OneAccountOptions } from './one-account.js';
import { runWithControl } from '../with-control.js';

/** `syncline accounts pause EMAIL`: stops an account's work within two seconds. */
export function addAccountsPause(accounts: Command): void {
  forOneAccount(
    accounts.command('pause'),
    'no more work for this account; its rows stay readable',
  ).action((email: string, options: OneAccountOptions) =>
    runWithControl(async (control, _cli, store) => {
      const account = await findAccount(control, email, options.tenant);
      if (!(await store.accounts.pause(account.id)))
        throw new OperatorError(`${email} cannot be paused: it is ${account.state}.`);
      return told(account, 'paused', options, account.state === 'paused' ? ' already' : '');
    }),
  );
}

/** `syncline accounts resume EMAIL`: has an account go on from its cursors. */
export function addAccountsResume(accounts: Command): void {
  forOneAccount(
    accounts.command('resume'),
    'look at everything of this account again, now; a grant that Google refuses is tried once',
  )
    .option(
      '--same-mailbox',
      'the new grant is of the same mailbox, although nothing proves it: what is mirrored goes on with it',
    )
    .action((email: string, options: OneAccountOptions & { sameMailbox?: true }) =>
      runWithControl(async (control, _cli, store) => {
        const account = await findAccount(control, email, options.tenant);
        if (options.sameMailbox) await vouch(store, account);
        else if (!(await store.accounts.resume(account.id)))
          throw new OperatorError(`${email} cannot be resumed: ${remedyOf(account)}.`);
        return told(account, 'active', options);
      }),
    );
}

async function vouch(store: Store, { id, email }: NamedAccount): Promise<void> {
  if (!(await store.grantChecks.vouch(id)))
    throw new OperatorError(
      `${email} does not wait for anybody to say whose its grant is. See: syncline why ${email}`,
    );
}

async function told(
  account: NamedAccount,
  state: string,
  options: OneAccountOptions,
  since: '' | ' already' = '',
): Promise<number> {
  if (options.json) await printJson({ email: account.email, tenant: account.tenant, state });
  else say(`${account.email} is ${state}${since}`);
  return 0;
}

function remedyOf(account: NamedAccount): string {
  return account.state === 'reauth_required'
    ? (account.reason ?? 'its grant is refused; import a new refresh token')
    : `it is ${account.state}`;
}
