import { createReadStream } from 'node:fs';
import { DEFAULT_PROJECT, OperatorError } from '@syncline/runtime';
import type { AccountImport, Store } from '@syncline/store';
import type { Command } from 'commander';
import { runWithStore } from '../command.js';
import { linesOf, readImportLine } from '../import-lines.js';
import { printJson } from '../output.js';
import { type Progress, heard, openProgress, say } from '../terminal.js';
import { counted } from '../words.js';

/** What became of an import's lines. */
export interface ImportSummary {
  created: number;
  updated: number;
  failed: { line: number; problem: string }[];
}

/** `syncline accounts import FILE|-`: connects accounts; exit 1 when a line was refused, though the rest is imported. */
export function addAccountsImport(accounts: Command): void {
  accounts
    .command('import')
    .description('connect the accounts of an NDJSON file, or of standard input')
    .argument(
      '<file>',
      'a line an account: {"email","refreshToken","tenant"?,"resources"?,"project"?}; - reads standard input',
    )
    .option('--json', 'print {"created","updated","failed":[{"line","problem"}]}')
    .action((file: string, options: { json?: true }) =>
      runWithStore(
        async ({ rt, config }, store) => {
          const progress = openProgress(rt.clock);
          const summary = await importAccounts(store, contentOf(file), progress, [
            DEFAULT_PROJECT,
            ...config.google.projects.map(({ name }) => name),
          ]);
          progress.end();
          if (options.json) await printJson(summary);
          else
            say(
              `${counted(summary.created, 'account')} connected, ${summary.updated} renewed, ${counted(summary.failed.length, 'line')} refused`,
            );
          return summary.failed.length > 0 ? 1 : 0;
        },
        ['master-key'],
        { takesOtherKey: true },
      ),
    );
}

/**
 * Imports line by line: what was read before a broken line, or before the database went away, stays imported.
 * A line that is refused is named at once.
 */
export async function importAccounts(
  store: Store,
  content: AsyncIterable<Buffer | string>,
  progress: Progress,
  projects: readonly string[] = [DEFAULT_PROJECT],
): Promise<ImportSummary> {
  const summary: ImportSummary = { created: 0, updated: 0, failed: [] };
  for await (const { number, bytes } of linesOf(content)) {
    const line = readImportLine(bytes, projects);
    const problem =
      line.kind === 'account'
        ? await importOne(store, line.account, summary)
        : line.kind === 'refused'
          ? line.problem
          : null;
    if (problem !== null) {
      summary.failed.push({ line: number, problem });
      progress.say(`line ${number} ${problem}`);
      await heard();
    }
    progress.show({ line: `${counted(number, 'line')} read` });
  }
  return summary;
}

/** @returns what keeps the account from being imported now, or null */
async function importOne(
  store: Store,
  account: AccountImport,
  summary: ImportSummary,
): Promise<string | null> {
  try {
    const { created } = await store.accounts.import(account);
    summary[created ? 'created' : 'updated'] += 1;
    return null;
  } catch (error) {
    if (error instanceof OperatorError) return error.message;
    throw error;
  }
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
