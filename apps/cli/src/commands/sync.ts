import { requestSync } from '@syncline/control/sync-requests';
import { OperatorError } from '@syncline/runtime';
import { RESOURCE_NAMES, type Resource } from '@syncline/store';
import { type Command, Option } from 'commander';
import { findAccount } from '../accounts.js';
import { runWithStore } from '../command.js';
import { printJson } from '../output.js';
import { printMessage } from '../terminal.js';

interface SyncOptions {
  resource?: Resource;
  full?: true;
  tenant?: string;
  json?: true;
}

/** `syncline sync EMAIL`: requests a sync; the scheduler reads the request within a second. */
export function addSync(program: Command): void {
  program
    .command('sync')
    .description('sync the account now instead of when it is due next')
    .argument('<email>')
    .addOption(new Option('--resource <resource>', 'only this one').choices(RESOURCE_NAMES))
    .option('--full', 'list everything again; rows stay readable meanwhile')
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'print {"email","tenant","requestedAt"}')
    .action((email: string, options: SyncOptions) =>
      runWithStore(async (_cli, store) => {
        const account = await findAccount(store, email, options.tenant);
        const { resource, full = false } = options;
        const asked = await requestSync({ store }, account, { resource, full });
        if (asked.kind === 'not-active')
          throw new OperatorError(
            `${email} is not synced: ${asked.state}${asked.reason === null ? '' : ` (${asked.reason})`}.`,
          );
        if (options.json)
          await printJson({ email, tenant: account.tenant, requestedAt: asked.requestedAt });
        else
          printMessage(
            `${email}: ${full ? 'a full sync' : 'a sync'} of ${resource ?? 'everything'} is requested; wait for it with: syncline wait ${email}`,
          );
        return 0;
      }),
    );
}
