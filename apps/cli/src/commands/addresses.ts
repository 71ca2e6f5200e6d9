import type { Control } from '@syncline/control';
import type { NamedAccount } from '@syncline/store';
import { fillAddresses } from '@syncline/sync';
import type { Command } from 'commander';
import { findAccounts } from '../accounts.js';
import { print, printJson } from '../output.js';
import { runWithControl } from '../with-control.js';

interface AddressesOptions {
  tenant?: string;
  json?: true;
}

/** `syncline addresses [EMAIL…]`: once after an upgrade; what is mirrored from then on has its addresses. */
export function addAddresses(program: Command): void {
  program
    .command('addresses')
    .description(
      'fill in the column "addresses" of messages that an earlier version mirrored, from their stored headers',
    )
    .argument('[emails...]', 'default: all accounts')
    .option('--tenant <tenant>', 'the accounts of one tenant')
    .option('--json', 'print {"email","tenant","filled"} an account')
    .action((emails: string[], { tenant, json }: AddressesOptions) =>
      runWithControl(async (control, { rt }, store) => {
        for await (const account of accountsOf(control, emails, tenant)) {
          const filled = await fillAddresses(store, account.id, rt.signal);
          await (json
            ? printJson({ email: account.email, tenant: account.tenant, filled })
            : print(`${account.email}: ${filled} messages`));
        }
        return rt.signal.aborted ? 1 : 0;
      }),
    );
}

async function* accountsOf(
  control: Control,
  emails: readonly string[],
  tenant: string | undefined,
): AsyncGenerator<NamedAccount> {
  const named = await findAccounts(control, emails, tenant);
  if (named !== null) yield* named;
  else for await (const page of control.accounts.pages()) yield* page;
}
