import { GoogleError, openGoogle } from '@syncline/google';
import { OperatorError, unreachable } from '@syncline/runtime';
import type { AccountView, Store } from '@syncline/store';
import { removeAccount, type RemovalStep, type Revocation } from '@syncline/sync';
import type { Command } from 'commander';
import { findAccount } from '../accounts.js';
import { type Cli, runWithStore } from '../command.js';
import { printJson } from '../output.js';
import { openProgress, say } from '../terminal.js';
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
      return told(account, 'paused', options);
    }),
  );
  describe(
    accounts.command('resume'),
    'look at everything of this account again, now; a grant that Google refuses is tried once',
  ).action((email: string, options: Options) =>
    runWithStore(async (_cli, store) => {
      const account = await findAccount(store, email, options.tenant);
      if (!(await store.accounts.resume(account.id)))
        throw new OperatorError(`${email} cannot be resumed: ${remedyOf(account)}.`);
      return told(account, 'active', options);
    }),
  );
}

/** `syncline accounts remove EMAIL`: does the work itself and waits for its end; workers finish what is cut off. */
export function addAccountsRemove(accounts: Command): void {
  describe(
    accounts.command('remove'),
    'revoke the grant and erase every row of this account',
  ).action((email: string, options: Options) =>
    runWithStore(
      async (cli, store) => {
        const account = await findAccount(store, email, options.tenant);
        const { rows, grant } = await remove(cli, store, account);
        if (options.json)
          await printJson({ email, tenant: account.tenant, state: 'removed', rows, grant });
        else say(`${email} is removed: ${counted(rows, 'row')} erased; ${GRANT_WORDS[grant]}`);
        return 0;
      },
      ['google', 'master-key'],
      { takesOtherKey: true },
    ),
  );
}

function describe(command: Command, description: string): Command {
  return command
    .description(description)
    .argument('<email>')
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'print {"email","tenant","state"}');
}

async function told(account: AccountView, state: string, options: Options): Promise<number> {
  if (options.json) await printJson({ email: account.email, tenant: account.tenant, state });
  else say(`${account.email} is ${state}`);
  return 0;
}

function remedyOf(account: AccountView): string {
  return account.state === 'reauth_required'
    ? (account.reason ?? 'its grant is refused; import a new refresh token')
    : `it is ${account.state}`;
}

async function remove(
  { rt, config }: Cli,
  store: Store,
  account: AccountView,
): Promise<{ rows: number; grant: Revocation }> {
  const google = await openGoogle(rt, {
    ...config.google,
    redisUrl: config.redisUrl,
    quotas: config.quotas,
    tokens: store.vault,
  });
  const progress = openProgress(rt.clock);
  let grant: Revocation = 'already-gone';
  try {
    const rows = await removeAccount(rt, { store, google }, account.id, (step) => {
      if (step.step === 'revoked') grant = step.how;
      progress.show({ line: inWords(step) });
    });
    return { rows, grant };
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error;
    throw new OperatorError(
      `The grant could not be revoked yet (${error.message}). The workers go on trying; the account is stopped already.`,
    );
  } finally {
    progress.end();
    await google.close();
  }
}

const GRANT_WORDS: Record<Revocation, string> = {
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
      return GRANT_WORDS[step.how];
    case 'erased':
      return `${counted(step.rows, 'row')} erased`;
    default:
      return unreachable(step);
  }
}
