/** Every command of the command line, as commander's tree. */
import { productVersion, stderr, stdout } from '@syncline/runtime';
import { Command } from 'commander';
import { setCommandName } from './command-name.js';
import { RESOURCE_COMMANDS } from './resource-commands.js';

/** Adds a command with its options and its action to its parent. */
type Add = (parent: Command) => void;
/**
 * In the order of the help.
 * @param args the words after the command's name
 */
type Commands = ReadonlyMap<string, (args: readonly string[]) => Promise<Add>>;

const COMMANDS: Commands = new Map<string, (args: readonly string[]) => Promise<Add>>([
  ['demo', async () => (await import('./commands/demo.js')).addDemo],
  ['up', async () => (await import('./commands/up.js')).addUp],
  ['migrate', async () => (await import('./commands/migrate.js')).addMigrate],
  ['accounts', loadAccounts],
  ['sync', async () => (await import('./commands/sync.js')).addSync],
  ['wait', async () => (await import('./commands/wait.js')).addWait],
  ['export', async () => (await import('./commands/export.js')).addExport],
  ...RESOURCE_COMMANDS,
  ['verify', async () => (await import('./commands/verify.js')).addVerify],
  ['addresses', async () => (await import('./commands/addresses.js')).addAddresses],
  ['changes', async () => (await import('./commands/changes.js')).addChanges],
  ['feed', async () => (await import('./commands/feed.js')).addFeed],
  ['delegations', async () => (await import('./commands/delegations.js')).addDelegations],
  ['keys', async () => (await import('./commands/keys.js')).addKeys],
  ['quarantine', async () => (await import('./commands/quarantine.js')).addQuarantine],
  ['quota', async () => (await import('./commands/quota.js')).addQuota],
  ['timeline', async () => (await import('./commands/timeline.js')).addTimeline],
  ['why', async () => (await import('./commands/why.js')).addWhy],
]);

const COMMANDS_OF_ACCOUNTS: Commands = new Map([
  ['import', async () => (await import('./commands/accounts-import.js')).addAccountsImport],
  ['list', async () => (await import('./commands/accounts-list.js')).addAccountsList],
  ['pause', async () => (await import('./commands/accounts-pause.js')).addAccountsPause],
  ['resume', async () => (await import('./commands/accounts-pause.js')).addAccountsResume],
  ['remove', async () => (await import('./commands/accounts-remove.js')).addAccountsRemove],
  [
    'resources',
    async () => (await import('./commands/accounts-resources.js')).addAccountsResources,
  ],
]);

/**
 * Builds the command tree without parsing: `parseAsync` runs a command. Commander's own texts
 * (help, usage errors) go to the same outputs.
 * @param args the command line; only the command that it names is loaded, or all of them when it
 * names none
 */
export async function buildProgram(args: readonly string[] = []): Promise<Command> {
  const program = new Command('syncline').description(
    "keeps customers' Gmail, Google Calendar and contacts mirrored in your own Postgres",
  );
  program.version(productVersion(), '--version', 'print the version');
  // Before commands are added, since subcommands inherit these settings.
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout().put(text),
      writeErr: (text) => stderr().put(text),
    })
    .showHelpAfterError(
      '(syncline --help lists the commands, syncline COMMAND --help their options)',
    );
  program.hook('preAction', (_, command) => setCommandName(wordsOf(command)));
  if (args[0] === '--version') return program;
  for (const add of await load(COMMANDS, args)) add(program);
  return program;
}

async function load(
  commands: Commands,
  [name = '', ...args]: readonly string[],
): Promise<readonly Add[]> {
  const named = commands.get(name);
  if (named) return [await named(args)];
  return Promise.all(Array.from(commands.values(), (one) => one([])));
}

async function loadAccounts(args: readonly string[]): Promise<Add> {
  const adds = await load(COMMANDS_OF_ACCOUNTS, args);
  return (program) => {
    const accounts = program.command('accounts').description('the accounts that are mirrored');
    for (const add of adds) add(accounts);
  };
}

/** `accounts pause` */
function wordsOf(command: Command): string {
  const { parent } = command;
  const isTop = parent === null || parent.parent === null;
  return isTop ? command.name() : `${wordsOf(parent)} ${command.name()}`;
}
