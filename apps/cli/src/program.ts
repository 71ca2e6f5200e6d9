/** Every command of the command line, as commander's tree. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { checkoutDir, stderr, stdout } from '@syncline/runtime';
import { Command } from 'commander';
import { addAccountsImport } from './commands/accounts-import.js';
import { addAccountsPauseAndResume, addAccountsRemove } from './commands/accounts-lifecycle.js';
import { addAccountsList } from './commands/accounts-list.js';
import { addAccountsResources } from './commands/accounts-resources.js';
import { addAddresses } from './commands/addresses.js';
import { addAttachment } from './commands/attachment.js';
import { addChanges } from './commands/changes.js';
import { addDemo } from './commands/demo.js';
import { addExport } from './commands/export.js';
import { addFeed } from './commands/feed.js';
import { addInstances } from './commands/instances.js';
import { addKeys } from './commands/keys.js';
import { addMigrate } from './commands/migrate.js';
import { addQuarantine } from './commands/quarantine.js';
import { addQuota } from './commands/quota.js';
import { addSource } from './commands/source.js';
import { addSync } from './commands/sync.js';
import { addUp } from './commands/up.js';
import { addVerify } from './commands/verify.js';
import { addWait } from './commands/wait.js';
import { addWhy } from './commands/why.js';

/**
 * Parsing is left to whoever called: `parseAsync` runs a command. What commander itself prints
 * (help, mistakes) goes the way of all output.
 */
export function buildProgram(): Command {
  const program = new Command('syncline').description(
    "keeps customers' Gmail and Google Calendar mirrored in your own Postgres",
  );
  program.version(version(), '--version', 'print the version');
  // Before any command is added: subcommands inherit these.
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout().put(text),
      writeErr: (text) => stderr().put(text),
    })
    .showHelpAfterError(
      '(syncline --help lists the commands, syncline COMMAND --help their options)',
    );
  for (const add of [addDemo, addUp, addMigrate]) add(program);
  const accounts = program.command('accounts').description('the accounts that are mirrored');
  for (const add of [
    addAccountsImport,
    addAccountsList,
    addAccountsPauseAndResume,
    addAccountsRemove,
    addAccountsResources,
  ])
    add(accounts);
  for (const add of [
    addSync,
    addWait,
    addExport,
    addInstances,
    addAttachment,
    addSource,
    addVerify,
    addAddresses,
    addChanges,
    addFeed,
    addKeys,
    addQuarantine,
    addQuota,
    addWhy,
  ])
    add(program);
  return program;
}

/** As the root's package.json has it. */
function version(): string {
  const { version: text } = JSON.parse(
    readFileSync(path.join(checkoutDir(), 'package.json'), 'utf8'),
  ) as { version: string };
  return text;
}
