import { removeResource, type ResourceRemoval } from '@syncline/control/removal';
import { counted } from '@syncline/control/words';
import { OperatorError, unreachable } from '@syncline/runtime';
import { RESOURCE_NAMES, type NamedAccount, type Resource, type Store } from '@syncline/store';
import { InvalidArgumentError, type Command } from 'commander';
import { findAccount } from '../accounts.js';
import { runWithStore, type Cli } from '../command.js';
import { UsageError } from '../errors.js';
import { print, printJson } from '../output.js';
import { openProgress, printMessage } from '../terminal.js';
import { withGoogle } from '../with-google.js';

interface Options {
  remove?: Resource;
  tenant?: string;
  yes?: true;
  json?: true;
}

/**
 * `syncline accounts resources EMAIL [--remove R --yes]`: shows which resources of an account are
 * mirrored; stops mirroring a resource and erases its rows.
 */
export function addAccountsResources(accounts: Command): void {
  accounts
    .command('resources')
    .description(
      'the mirrored resources of this account; with --remove, stop mirroring one and erase its rows',
    )
    .argument('<email>')
    .option('--remove <resource>', RESOURCE_NAMES.join(' or '), resourceNamed)
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--yes', 'needed with --remove: its rows are erased')
    .option('--json', 'print {"email","tenant","resources","removed"?,"rows"?}')
    .action((email: string, options: Options) =>
      runWithStore(
        async (cli, store) => {
          const account = await findAccount(store, email, options.tenant);
          if (options.remove === undefined) return await printResources(account, options);
          if (!options.yes)
            throw new UsageError(
              `--remove ${options.remove} erases every row of it: confirm with --yes`,
            );
          return await remove(cli, store, account, options.remove, options);
        },
        ['google', 'master-key'],
      ),
    );
}

async function printResources(
  { email, tenant, resources }: NamedAccount,
  options: Options,
): Promise<number> {
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
  const removal = await removeRows(cli, store, account, removed);
  const { resources, rows } = removal;
  if (options.json) await printJson({ email, tenant, resources, removed, rows });
  else printMessage(`${removed} of ${email} is no longer mirrored: ${counted(rows, 'row')} erased`);
  return 0;
}

type Removed = Extract<ResourceRemoval, { kind: 'removed' }>;

async function removeRows(
  cli: Cli,
  store: Store,
  account: NamedAccount,
  resource: Resource,
): Promise<Removed> {
  return withGoogle(cli, store, async (google, rt) => {
    const progress = openProgress(rt.clock);
    const show = (rows: number): void => progress.show({ line: `${counted(rows, 'row')} erased` });
    try {
      const removal = await removeResource(rt, { store, google }, { account, resource }, show);
      return removedOf(removal, account, resource);
    } finally {
      progress.end();
    }
  });
}

function removedOf(removal: ResourceRemoval, account: NamedAccount, resource: Resource): Removed {
  switch (removal.kind) {
    case 'removed':
      return removal;
    case 'refused':
      throw new OperatorError(refusal(removal.because, account, resource));
    case 'watches-not-stopped':
      throw new OperatorError(
        `Its watches could not be ended yet (${removal.error.message}). The workers retry it; the resource is no longer mirrored.`,
      );
    default:
      return unreachable(removal);
  }
}

function refusal(
  because: Extract<ResourceRemoval, { kind: 'refused' }>['because'],
  { email, tenant }: NamedAccount,
  resource: Resource,
): string {
  switch (because) {
    case 'being-removed':
      return `${email} is being removed.`;
    case 'not-mirrored':
      return `${resource} of ${email} is not mirrored.`;
    case 'last-resource':
      return `${resource} is the only mirrored resource of ${email}. To remove the account: syncline accounts remove ${email} --tenant ${tenant}`;
    default:
      return unreachable(because);
  }
}

function resourceNamed(text: string): Resource {
  const resource = RESOURCE_NAMES.find((one) => one === text);
  if (resource === undefined)
    throw new InvalidArgumentError(`It must be ${RESOURCE_NAMES.join(' or ')}.`);
  return resource;
}
