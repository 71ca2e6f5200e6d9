import { GoogleError } from '@syncline/google';
import { OperatorError, unreachable } from '@syncline/runtime';
import type { AccountView, Store } from '@syncline/store';
import { removeAccount, type RemovalStep, type Revocation } from '@syncline/sync';
import type { Command } from 'commander';
import { findAccount } from '../accounts.js';
import { confirmed } from '../confirm.js';
import { type Cli, runWithStore } from '../command.js';
import { printJson } from '../output.js';
import { openProgress, say } from '../terminal.js';
import { withGoogle } from '../with-google.js';
import { counted, duration } from '../words.js';

interface Options {
  tenant?: string;
  json?: true;
}

/** `syncline accounts pause|resume EMAIL`: stops an account's work within two seconds, and has it go on from its cursors. */
export function addAccountsPauseAndResume(accounts: Command): void {
  describe(
    accounts.command('pause'),
    'no more work for this account; its rows stay readable',
  ).action((email: string, options: Options) =>
    runWithStore(async (_cli, store) => {
      const account = await findAccount(store, email, options.tenant);
      if (!(await store.accounts.pause(account.id)))
        throw new OperatorError(`${email} cannot be paused: it is ${account.state}.`);
      return told(account, 'paused', options, account.state === 'paused' ? ' already' : '');
    }),
  );
  describe(
    accounts.command('resume'),
    'look at everything of this account again, now; a grant that Google refuses is tried once',
  )
    .option(
      '--same-mailbox',
      'the new grant is of the same mailbox, although nothing proves it: what is mirrored goes on with it',
    )
    .action((email: string, options: Options & { sameMailbox?: true }) =>
      runWithStore(async (_cli, store) => {
        const account = await findAccount(store, email, options.tenant);
        if (options.sameMailbox) await vouch(store, account);
        else if (!(await store.accounts.resume(account.id)))
          throw new OperatorError(`${email} cannot be resumed: ${remedyOf(account)}.`);
        return told(account, 'active', options);
      }),
    );
}

/** `syncline accounts remove EMAIL`: does the work itself and waits for its end; workers finish what is cut off. */
export function addAccountsRemove(accounts: Command): void {
  describe(
    accounts.command('remove'),
    'revoke the grant, unless other accounts of the same Google account need it, and erase every row of this account',
  )
    .option('--keep-grant', 'leave the grant alive at Google')
    .option('--yes', 'do not ask on a terminal')
    .action((email: string, options: RemoveOptions) =>
      runWithStore(
        (cli, store) => removeAndTell(cli, store, email, options),
        ['google', 'master-key'],
        {
          takesOtherKey: true,
        },
      ),
    );
}

interface RemoveOptions extends Options {
  keepGrant?: true;
  yes?: true;
}

async function removeAndTell(
  cli: Cli,
  store: Store,
  email: string,
  options: RemoveOptions,
): Promise<number> {
  const account = await findAccount(store, email, options.tenant);
  const { tenant } = account;
  const question = `Remove ${email} of tenant ${tenant}, with every row of it?`;
  if (!options.yes && !options.json && !(await confirmed(question, cli.rt.signal))) {
    say('nothing was removed');
    return 1;
  }
  const { rows, grant, sharedWith } = await remove(cli, store, account, options);
  if (options.json) await printJson({ email, tenant, state: 'removed', rows, grant, sharedWith });
  else say(`${email} is removed: ${counted(rows, 'row')} erased; ${grantWords(grant, sharedWith)}`);
  return 0;
}

async function vouch(store: Store, { id, email }: AccountView): Promise<void> {
  if (!(await store.grantChecks.vouch(id)))
    throw new OperatorError(
      `${email} does not wait for anybody to say whose its grant is. See: syncline why ${email}`,
    );
}

function describe(command: Command, description: string): Command {
  return command
    .description(description)
    .argument('<email>')
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'print {"email","tenant","state"}');
}

async function told(
  account: AccountView,
  state: string,
  options: Options,
  since: '' | ' already' = '',
): Promise<number> {
  if (options.json) await printJson({ email: account.email, tenant: account.tenant, state });
  else say(`${account.email} is ${state}${since}`);
  return 0;
}

function remedyOf(account: AccountView): string {
  return account.state === 'reauth_required'
    ? (account.reason ?? 'its grant is refused; import a new refresh token')
    : `it is ${account.state}`;
}

async function remove(
  cli: Cli,
  store: Store,
  account: AccountView,
  { keepGrant }: RemoveOptions,
): Promise<{ rows: number; grant: Revocation; sharedWith: string[] }> {
  const progress = openProgress(cli.rt.clock);
  let ended: { grant: Revocation; sharedWith: string[] } = {
    grant: 'already-gone',
    sharedWith: [],
  };
  const tell = (step: RemovalStep): void => {
    if (step.step === 'revoked') ended = { grant: step.how, sharedWith: step.sharedWith };
    progress.show({ line: inWords(step) });
  };
  try {
    const rows = await withGoogle(cli, store, (google, rt) =>
      removeAccount(rt, { store, google }, account.id, tell, { keepGrant: keepGrant === true }),
    );
    return { rows, ...ended };
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error;
    const lost =
      error.detail.kind === 'key-missing'
        ? ` If that key is lost: syncline keys retire-lost ${error.detail.keyId}`
        : '';
    throw new OperatorError(
      `The grant could not be revoked yet (${error.message}). The workers go on trying; the account is stopped already.${lost}`,
    );
  } finally {
    progress.end();
  }
}

function grantWords(grant: Revocation, sharedWith: readonly string[]): string {
  if (grant !== 'shared') return GRANT_WORDS[grant];
  const tenants = [...new Set(sharedWith)].join(', ');
  return `${GRANT_WORDS.shared} (${sharedWith.length === 1 ? 'tenant' : 'tenants'} ${tenants})`;
}

const GRANT_WORDS: Record<Revocation, string> = {
  kept: 'the grant is kept',
  shared: 'the grant is kept, since other accounts of the same Google account need it',
  revoked: 'the grant is revoked',
  'already-gone': 'the grant is gone already',
  refused:
    'Google does not let the grant be revoked; the customer can, at https://myaccount.google.com/connections',
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
