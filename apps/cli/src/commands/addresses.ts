import { eachAccount } from '@syncline/control/accounts';
import { fillAccountAddresses } from '@syncline/control/addresses';
import type { Command } from 'commander';
import { findAccounts } from '../accounts.js';
import { runWithStore } from '../command.js';
import { print, printJson } from '../output.js';

interface AddressesOptions {
  tenant?: string;
  json?: true;
}

/**
 * `syncline addresses [EMAIL…]`: needed once after an upgrade; messages that are mirrored
 * afterwards have their addresses.
 */
export function addAddresses(program: Command): void {
  program
    .command('addresses')
    .description(
      'fill in the column "addresses" of messages that an earlier version mirrored, from their stored headers',
    )
    .argument('[emails...]', 'default: all accounts')
    .option('--tenant <tenant>', 'the accounts of one tenant')
    .option('--json', 'print {"email","tenant","filled"} per account')
    .action((emails: string[], { tenant, json }: AddressesOptions) =>
      runWithStore(async ({ rt }, store) => {
        const named = await findAccounts(store, emails, tenant);
        for await (const account of eachAccount({ store }, named)) {
          const filled = await fillAccountAddresses(rt, { store }, account);
          await (json
            ? printJson({ email: account.email, tenant: account.tenant, filled })
            : print(`${account.email}: ${filled} messages`));
        }
        return rt.signal.aborted ? 1 : 0;
      }),
    );
}
