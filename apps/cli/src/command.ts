/**
 * Runs a command: configuration → embedded servers if none are configured → the action → release →
 * exit code. The processes of the fleet use runtime's `runProcess` instead; a command differs in
 * that it ends by itself, logs only problems, and prints for a person. This is the only place of
 * the CLI that reads the environment.
 */
import {
  type Config,
  type Requirement,
  type Resolved,
  type ResolvedConfig,
  type Runtime,
  OperatorError,
  SERVER_WAIT_MS,
  checkoutDir,
  createRuntime,
  drainOnSignals,
  loadConfig,
  logSurroundings,
  parseDatabaseUrl,
  processEnvironment,
  resolveConfig,
  signalsReceived,
  waitForServers,
  stopWaitingForReaders,
} from '@syncline/runtime';
import { type Store, migrate, openStore, POOL_SIZES, withActor } from '@syncline/store';
import { InvalidArgumentError } from 'commander';
import { commandName } from './command-name.js';
import { printMessage } from './terminal.js';

/** What a command needs. */
export interface Cli {
  rt: Runtime;
  config: ResolvedConfig;
  /** Creates another database on the embedded Postgres; null when Postgres is not embedded. */
  createDatabase: Resolved['createDatabase'];
  /** The environment for child processes. */
  env: NodeJS.ProcessEnv;
}

/**
 * The maximum time that a command takes to end after a signal, even if servers do not answer.
 * Together with the second that a stopped reader of its output gets (`stopWaitingForReaders`) it
 * stays below the documented 8 s.
 */
const END_DEADLINE_MS = 6_500;

/** Reading and writing the mirror does not require Google. */
const STORE_ONLY: readonly Requirement[] = ['master-key'];

/**
 * Runs `act` and uses its result as the exit code. A signal aborts `rt.signal`; an interrupted
 * command ends with `interruptedCode`. What has not ended 6.5 s after the signal is abandoned: the
 * next start takes over embedded servers, and child processes end with this process.
 * @param interruptedCode the exit code after a signal; 0 for commands that a signal ends normally
 */
export async function runCommand(
  requires: readonly Requirement[],
  act: (cli: Cli) => Promise<number>,
  interruptedCode: 0 | 1 = 1,
): Promise<void> {
  const draining = new AbortController();
  drainOnSignals(draining);
  stopWaitingForReaders(draining.signal);
  await signalsReceived();
  const config = loadConfig(processEnvironment(), checkoutDir(), requires);
  const rt = createRuntime({
    service: 'cli',
    logLevel: logLevelOf(config, processEnvironment()),
    stdout: 'stderr',
    signal: draining.signal,
    serverWaitMs: SERVER_WAIT_MS[interruptedCode === 0 ? 'program' : 'command'],
  });
  logSurroundings(rt, config);
  process.exitCode =
    (await Promise.race([codeOf(rt, config, act), lateAfterSignal(rt)])) ?? interruptedCode;
}

/** Returns the exit code, or null when a signal interrupted the command. */
async function codeOf(
  rt: Runtime,
  config: Config,
  act: (cli: Cli) => Promise<number>,
): Promise<number | null> {
  try {
    const { release, ...resolved } = await resolveConfig(config, printMessage, rt.signal);
    try {
      return await act({ rt, ...resolved, env: processEnvironment() });
    } finally {
      await release();
    }
  } catch (error) {
    if (!rt.signal.aborted) throw error;
    printMessage(error instanceof OperatorError ? error.message : 'interrupted');
    return null;
  }
}

async function lateAfterSignal({ clock, signal }: Runtime): Promise<null> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await clock.sleep(END_DEADLINE_MS);
  printMessage('some work did not end in time and was abandoned');
  return null;
}

/** Runs an action that needs only the configuration: no server is started or queried. */
export async function runPlain(act: (config: Config) => Promise<number>): Promise<void> {
  process.exitCode = await act(loadConfig(processEnvironment(), checkoutDir(), []));
}

/** Runs `act` like `runCommand`, with the store opened before and closed afterwards. */
export async function runWithStore(
  act: (cli: Cli, store: Store) => Promise<number>,
  requires: readonly Requirement[] = STORE_ONLY,
  open: { takesOtherKey?: boolean } = {},
): Promise<void> {
  await runCommand(requires, (cli) => withStore(cli, (store) => act(cli, store), open));
}

async function withStore<T>(
  { rt, config }: Cli,
  act: (store: Store) => Promise<T>,
  open: { takesOtherKey?: boolean } = {},
): Promise<T> {
  const store = await openStore(rt, {
    databaseUrl: config.databaseUrl,
    masterKey: config.masterKey,
    oldMasterKey: config.oldMasterKey,
    poolSize: config.databasePoolSize ?? POOL_SIZES.cli,
    ...open,
  });
  try {
    return await withActor({ kind: 'command', id: commandName() }, () => act(store));
  } finally {
    await store.close();
  }
}

/**
 * Runs `migrate` on the command's database. It reports when it waits for another migration, begins
 * again when the connection to the server is lost, and ends at a signal.
 * @returns the names of the migrations that the last attempt applied
 */
export function migrateDatabase({ rt, config }: Cli): Promise<string[]> {
  const wait = {
    limitMs: config.migrationLockWaitMs,
    signal: rt.signal,
    clock: rt.clock,
    report: printMessage,
    apiRole: apiRoleOf(config),
  };
  return waitForServers(rt, () => migrate(config.databaseUrl, wait), [], 'await');
}

/** Returns the role of DATABASE_API_URL; null when it is not set, or names the role that migrates. */
function apiRoleOf({ databaseUrl, databaseApiUrl }: Cli['config']): string | null {
  if (databaseApiUrl === null) return null;
  const { user } = parseDatabaseUrl(databaseApiUrl);
  return user === parseDatabaseUrl(databaseUrl).user ? null : user;
}

/**
 * Parses a whole number from `min` to `max` for commander's options; anything else is a usage
 * error.
 */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(
      `It must be a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}.`,
    );
  };
}

/** Returns the log level. A person reads stderr, so only problems are logged there by default. */
function logLevelOf(config: Config, env: NodeJS.ProcessEnv): string {
  return env['LOG_LEVEL'] ? config.logLevel : 'warn';
}
