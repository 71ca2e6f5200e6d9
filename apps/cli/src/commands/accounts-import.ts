import { createReadStream } from 'node:fs';
import { counted } from '@syncline/control/words';
import { DEFAULT_PROJECT, OperatorError } from '@syncline/runtime';
import type { AccountImport, Store } from '@syncline/store';
import type { Command } from 'commander';
import { importChecked, openGrantChecker, type GrantChecker } from '../checked-import.js';
import { runWithStore, type Cli } from '../command.js';
import { linesOf, readImportLine } from '../import-lines.js';
import { printJson } from '../output.js';
import { type Progress, heard, openProgress, say } from '../terminal.js';

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
    .option(
      '--no-verify',
      'ask Google nothing: the first sync of each account checks whose its grant is, before it writes anything',
    )
    .action((file: string, options: { json?: true; verify: boolean }) =>
      runWithStore(
        async (cli, store) => {
          const summary = await importFile(cli, store, file, options.verify);
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

async function importFile(
  cli: Cli,
  store: Store,
  file: string,
  verify: boolean,
): Promise<ImportSummary> {
  await store.keys.beforeSealing();
  const progress = openProgress(cli.rt.clock);
  const checker = verify ? await openGrantChecker(cli, store, (text) => progress.say(text)) : null;
  const projects = cli.config.google.projects.map(({ name }) => name);
  try {
    return await importAccounts(store, contentOf(file), progress, {
      projects: [DEFAULT_PROJECT, ...projects],
      checker,
    });
  } finally {
    progress.end();
    await checker?.close();
  }
}

/** Lines that wait for Google at once; without asking Google they go one after the other. */
const CHECKS_AT_ONCE = 8;

/**
 * Imports line by line: what was read before a broken line, or before the database went away, stays imported.
 * A line that is refused is named at once. Two lines of one account keep their order.
 */
export async function importAccounts(
  store: Store,
  content: AsyncIterable<Buffer | string>,
  progress: Progress,
  {
    projects = [DEFAULT_PROJECT],
    checker = null,
  }: { projects?: readonly string[]; checker?: GrantChecker | null } = {},
): Promise<ImportSummary> {
  const summary: ImportSummary = { created: 0, updated: 0, failed: [] };
  const refuse = async (line: number, problem: string): Promise<void> => {
    summary.failed.push({ line, problem });
    progress.say(`line ${line} ${problem}`);
    await heard();
  };
  const underWay = new Map<string, Promise<void>>();
  const importLine = async (number: number, account: AccountImport): Promise<void> => {
    const { what, problem, note } = await importChecked(store, checker, account);
    if (note !== undefined) progress.say(`line ${number} ${note}`);
    if (what !== 'refused') summary[what] += 1;
    if (problem !== null) await refuse(number, problem);
  };
  for await (const { number, bytes } of linesOf(content)) {
    const line = readImportLine(bytes, projects);
    if (line.kind === 'refused') await refuse(number, line.problem);
    if (line.kind === 'account') {
      const key = JSON.stringify([line.account.tenant, line.account.email.toLowerCase()]);
      await underWay.get(key);
      const task = importLine(number, line.account).finally(() => underWay.delete(key));
      underWay.set(key, task);
      // An error that ends the import is thrown here or below.
      if (underWay.size >= (checker ? CHECKS_AT_ONCE : 1)) await Promise.race(underWay.values());
    }
    progress.show({ line: `${counted(number, 'line')} read` });
  }
  await Promise.all(underWay.values());
  summary.failed.sort((one, other) => one.line - other.line);
  return summary;
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
