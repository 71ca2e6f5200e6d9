import { counted } from '@syncline/control/words';
import { GoogleError } from '@syncline/google';
import { OperatorError } from '@syncline/runtime';
import { RESOURCE_NAMES, type NamedAccount, type Resource, type Store } from '@syncline/store';
import { removeResource } from '@syncline/sync';
import { InvalidArgumentError, type Command } from 'commander';
import { findAccount } from '../accounts.js';
import { type Cli } from '../command.js';
import { UsageError } from '../mistakes.js';
import { print, printJson } from '../output.js';
import { openProgress, say } from '../terminal.js';
import { withGoogle } from '../with-google.js';
import { runWithControl } from '../with-control.js';

interface Options {
  remove?: Resource;
  tenant?: string;
  yes?: true;
  json?: true;
}

/**
 * `syncline accounts resources EMAIL [--remove R --yes]`: what is mirrored of an account; stops
 * mirroring a resource and erases its rows.
 */
export function addAccountsResources(accounts: Command): void {
  accounts
    .command('resources')
    .description(
      'what is mirrored of this account; with --remove, stop mirroring it and erase its rows',
    )
    .argument('<email>')
    .option('--remove <resource>', RESOURCE_NAMES.join(' or '), resourceNamed)
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--yes', 'needed with --remove: its rows are erased')
    .option('--json', 'print {"email","tenant","resources","removed"?,"rows"?}')
    .action((email: string, options: Options) =>
      runWithControl(
        async (control, cli, store) => {
          const account = await findAccount(control, email, options.tenant);
          if (options.remove === undefined) return await tell(account, options);
          if (!options.yes)
            throw new UsageError(
              `--remove ${options.remove} erases every row of it: say so with --yes`,
            );
          return await remove(cli, store, account, options.remove, options);
        },
        ['google', 'master-key'],
      ),
    );
}

async function tell({ email, tenant, resources }: NamedAccount, options: Options): Promise<number> {
  if (options.json) await printJson({ email, tenant, resources });
  else await print(resources.join('\n'));
  return 0;
}

async function remove(
  cli: Cli,
  store: Store,
  account: NamedAccount,
  removed: Resource,
  options: Options,
): Promise<number> {
  const { email, tenant } = account;
  const rows = await removeRows(cli, store, account, removed);
  if (rows === null) throw new OperatorError(refusal(account, removed));
  const resources = account.resources.filter((one) => one !== removed);
  if (options.json) await printJson({ email, tenant, resources, removed, rows });
  else say(`${removed} of ${email} is mirrored no more: ${counted(rows, 'row')} erased`);
  return 0;
}

async function removeRows(
  cli: Cli,
  store: Store,
  account: NamedAccount,
  resource: Resource,
): Promise<number | null> {
  return withGoogle(cli, store, async (google, rt) => {
    const progress = openProgress(rt.clock);
    try {
      return await removeResource(rt, { store, google }, account.id, resource, (rows) =>
        progress.show({ line: `${counted(rows, 'row')} erased` }),
      );
    } catch (error) {
      if (!(error instanceof GoogleError)) throw error;
      throw new OperatorError(
        `Its watches could not be ended yet (${error.message}). The workers go on trying; it is mirrored no more.`,
      );
    } finally {
      progress.end();
    }
  });
}

function refusal({ email, tenant, state, resources }: NamedAccount, removed: Resource): string {
  if (state === 'removing') return `${email} is being removed.`;
  if (!resources.includes(removed)) return `${removed} of ${email} is not mirrored.`;
  return `${removed} is all that is mirrored of ${email}. To remove the account: syncline accounts remove ${email} --tenant ${tenant}`;
}

function resourceNamed(text: string): Resource {
  const resource = RESOURCE_NAMES.find((one) => one === text);
  if (resource === undefined)
    throw new InvalidArgumentError(`It must be ${RESOURCE_NAMES.join(' or ')}.`);
  return resource;
}
