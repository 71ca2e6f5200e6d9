import { createReadStream } from 'node:fs';
import { importAccounts, type ImportSummary } from '@syncline/control/import';
import { counted } from '@syncline/control/words';
import type { Google } from '@syncline/google';
import { hasOAuthClient, OperatorError } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import type { Command } from 'commander';
import { runWithStore, type Cli } from '../command.js';
import { showImportProgress } from '../import-progress.js';
import { printJson } from '../output.js';
import { openProgress, printMessage } from '../terminal.js';
import { openConfigured } from '../with-google.js';

/**
 * `syncline accounts import FILE|-`: connects accounts. The exit code is 1 when a line was refused;
 * the other lines are imported.
 */
export function addAccountsImport(accounts: Command): void {
  accounts
    .command('import')
    .description('connect the accounts of an NDJSON file, or of standard input')
    .argument(
      '<file>',
      'one account per line: {"email","refreshToken" or "delegation","tenant"?,"resources"?,"project"?}; - reads standard input',
    )
    .option('--json', 'print {"created","updated","failed":[{"line","problem"}]}')
    .option(
      '--no-verify',
      'send no request to Google: the first sync of each account checks to whom its grant belongs, before it writes',
    )
    .action((file: string, options: { json?: true; verify: boolean }) =>
      runWithStore(
        async (cli, store) => {
          const summary = await importFile(cli, store, file, options.verify);
          if (options.json) await printJson(summary);
          else
            printMessage(
              `${counted(summary.created, 'account')} connected, ${summary.updated} renewed, ${counted(summary.failed.length, 'line')} refused`,
            );
          return summary.failed.length > 0 ? 1 : 0;
        },
        ['master-key'],
        { takesOtherKey: true },
      ),
    );
}

async function importFile(
  cli: Cli,
  store: Store,
  file: string,
  verify: boolean,
): Promise<ImportSummary> {
  const { rt, config } = cli;
  const progress = openProgress(rt.clock);
  const google = verify ? await openIfConfigured(cli, store) : null;
  const projects = config.google.projects.map(({ name }) => name);
  try {
    const input = { content: contentOf(file), projects };
    return await importAccounts(rt, { store, google }, input, showImportProgress(progress));
  } finally {
    progress.end();
    await google?.close();
  }
}

/**
 * Opens Google; null without a configured client, in which case the first run of each account
 * checks its grant.
 */
async function openIfConfigured(cli: Cli, store: Store): Promise<Google | null> {
  return hasOAuthClient(cli.config.google) ? openConfigured(cli, store) : null;
}

async function* contentOf(file: string): AsyncGenerator<Buffer> {
  const stream = file === '-' ? process.stdin : createReadStream(file);
  try {
    for await (const chunk of stream) yield Buffer.from(chunk as Buffer | string);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall !== undefined)
      throw new OperatorError(`${file} cannot be read (${code ?? 'unknown error'}).`);
    throw error;
  }
}
