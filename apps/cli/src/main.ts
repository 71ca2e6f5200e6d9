#!/usr/bin/env node
/**
 * Composition root of the command line. Exit codes: 0 done, 1 failed or drift found, 2 usage. stdout carries data, and
 * everything said to a person goes to stderr.
 */
import { Command, CommanderError } from 'commander';
import { explain } from './command.js';
import { addAccountsImport } from './commands/accounts-import.js';
import { addAccountsPauseAndResume, addAccountsRemove } from './commands/accounts-lifecycle.js';
import { addAccountsList } from './commands/accounts-list.js';
import { addAddresses } from './commands/addresses.js';
import { addAttachment } from './commands/attachment.js';
import { addChanges } from './commands/changes.js';
import { addDemo } from './commands/demo.js';
import { addExport } from './commands/export.js';
import { addInstances } from './commands/instances.js';
import { addMigrate } from './commands/migrate.js';
import { addQuarantine } from './commands/quarantine.js';
import { addQuota } from './commands/quota.js';
import { addSource } from './commands/source.js';
import { addSync } from './commands/sync.js';
import { addUp } from './commands/up.js';
import { addVerify } from './commands/verify.js';
import { addWait } from './commands/wait.js';
import { addWhy } from './commands/why.js';
import { say } from './terminal.js';

const USAGE = 2;

async function main(args: readonly string[]): Promise<void> {
  try {
    await buildProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? commanderCode(error) : told(error);
  }
  // A process with something left open would hang in a script; what a command prints is written by now.
  process.exit();
}

function buildProgram(): Command {
  const program = new Command('syncline').description(
    "keeps customers' Gmail and Google Calendar mirrored in your own Postgres",
  );
  // Before any command is added: subcommands inherit both.
  program
    .exitOverride()
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
    addQuarantine,
    addQuota,
    addWhy,
  ])
    add(program);
  return program;
}

/** Asking for help is no mistake; it is all that commander exits 0 for. It has said what there is to say. */
function commanderCode(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : USAGE;
}

function told(error: unknown): number {
  const { code, message } = explain(error);
  say(message);
  return code;
}

void main(process.argv.slice(2));
