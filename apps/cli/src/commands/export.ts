import { type Command, Option } from 'commander';
import { RESOURCE_NAMES, type Resource } from '@syncline/store';
import { findAccount } from '../accounts.js';
import { printNdjson } from '../output.js';
import { runWithControl } from '../with-control.js';

/** `syncline export EMAIL --resource RESOURCE`: the mirror as NDJSON, sorted by id, as fast as the reader takes it. */
export function addExport(program: Command): void {
  program
    .command('export')
    .description('print the mirror, a JSON document a line')
    .argument('<email>')
    .addOption(
      new Option('--resource <resource>', 'what to print')
        .choices(RESOURCE_NAMES)
        .makeOptionMandatory(),
    )
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'the output is NDJSON with or without it')
    .action((email: string, options: { resource: Resource; tenant?: string }) =>
      runWithControl(async (control, _cli, store) => {
        const account = await findAccount(control, email, options.tenant);
        await printNdjson(store.mirror.documents(account.id, options.resource));
        return 0;
      }),
    );
}
