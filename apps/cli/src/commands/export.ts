import { exportMirror } from '@syncline/control/mirror';
import { RESOURCE_NAMES, type Resource } from '@syncline/store';
import { type Command, Option } from 'commander';
import { findAccount } from '../accounts.js';
import { runWithStore } from '../command.js';
import { printNdjson } from '../output.js';

/**
 * `syncline export EMAIL --resource RESOURCE`: prints the mirror as NDJSON, sorted by id, at the
 * reader's speed.
 */
export function addExport(program: Command): void {
  program
    .command('export')
    .description('print the mirror, one JSON document per line')
    .argument('<email>')
    .addOption(
      new Option('--resource <resource>', 'what to print')
        .choices(RESOURCE_NAMES)
        .makeOptionMandatory(),
    )
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'the output is NDJSON with or without it')
    .action((email: string, options: { resource: Resource; tenant?: string }) =>
      runWithStore(async (_cli, store) => {
        const account = await findAccount(store, email, options.tenant);
        await printNdjson(exportMirror({ store }, account, options.resource));
        return 0;
      }),
    );
}
