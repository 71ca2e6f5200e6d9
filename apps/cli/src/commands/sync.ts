import { OperatorError } from '@syncline/runtime';
import { RESOURCE_NAMES, type Resource } from '@syncline/store';
import { type Command, Option } from 'commander';
import { findAccount } from '../accounts.js';
import { printJson } from '../output.js';
import { say } from '../terminal.js';
import { runWithControl } from '../with-control.js';

interface SyncOptions {
  resource?: Resource;
  full?: true;
  tenant?: string;
  json?: true;
}

/** `syncline sync EMAIL`: marks the account wanted; the scheduler sees it within a second. */
export function addSync(program: Command): void {
  program
    .command('sync')
    .description('look at the account now instead of at its next turn')
    .argument('<email>')
    .addOption(new Option('--resource <resource>', 'only this one').choices(RESOURCE_NAMES))
    .option('--full', 'walk over everything again; rows stay readable meanwhile')
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'print {"email","tenant","wantedAt"}')
    .action((email: string, options: SyncOptions) =>
      runWithControl(async (control, _cli, store) => {
        const account = await findAccount(control, email, options.tenant);
        if (account.state !== 'active') {
          throw new OperatorError(
            `${email} is not synced: ${account.state}${account.reason === null ? '' : ` (${account.reason})`}.`,
          );
        }
        const wantedAt = await store.collections.markWanted([account.id], {
          resource: options.resource,
          full: options.full ?? false,
        });
        if (options.json)
          await printJson({ email, tenant: account.tenant, wantedAt: isoTime(wantedAt) });
        else
          say(
            `${email}: ${options.full ? 'a full sync' : 'a sync'} of ${options.resource ?? 'everything'} is wanted; see it done with: syncline wait ${email}`,
          );
        return 0;
      }),
    );
}

/** Postgres writes a space for the T and shortens its zone, which is UTC in every session of ours. */
function isoTime(postgresTime: string): string {
  return postgresTime.replace(' ', 'T').replace(/\+00$/, 'Z');
}
