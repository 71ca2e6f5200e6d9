/** Starts a server that outlives its starter, and waits until it is ready. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { OperatorError } from '../errors.js';
import type { ServerAccount } from './account.js';
import { serverEnvironment } from './environment.js';

const POLL_MS = 25;
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
const TAIL_LINES = 8;

export interface Wait {
  timeoutMs: number;
  /** Aborted when the process receives a signal to end. */
  signal: AbortSignal;
}

export interface Daemon {
  program: string;
  args: string[];
  account: ServerAccount;
  logFile: string;
}

/**
 * Starts the program in its own session, so that a Ctrl-C in this terminal and the end of this
 * process do not affect it. Resolves when `answers()` does.
 * @throws OperatorError with the last lines of the program's log when the program ends or is not
 * ready in time; the signal's reason when the signal is aborted, in which case the program receives
 * SIGINT
 */
export async function startDaemon(
  daemon: Daemon,
  answers: () => Promise<boolean>,
  { timeoutMs, signal }: Wait,
): Promise<void> {
  signal.throwIfAborted();
  const log = openSync(daemon.logFile, isLarge(daemon.logFile) ? 'w' : 'a', 0o600);
  const child = spawn(daemon.program, daemon.args, {
    ...daemon.account,
    cwd: '/',
    env: serverEnvironment(),
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let exited: string | null = null;
  child.once('error', (error) => (exited = error.message));
  child.once('exit', (code, by) => (exited = `it ended with ${code ?? by}`));
  child.unref();
  const isDecided = async (): Promise<boolean> => exited !== null || (await answers());
  try {
    if ((await until(isDecided, timeoutMs, signal)) && exited === null) return;
  } catch (error) {
    child.kill('SIGINT'); // Ends Postgres without waiting for its sessions; also ends Redis.
    throw error;
  }
  if (exited === null) child.kill('SIGKILL');
  throw new OperatorError(
    `${daemon.program} did not start: ${exited ?? `no answer in ${timeoutMs / 1000} s`}\n${tail(daemon.logFile)}`,
  );
}

/**
 * Polls `condition` until it holds. Returns false when it does not hold within `timeoutMs`.
 * @throws the signal's reason when it is aborted
 */
export async function until(
  condition: () => Promise<boolean> | boolean,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    signal?.throwIfAborted();
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return false;
}

/**
 * Returns the command line of the process; empty when there is none. Slim containers have no `ps`.
 */
export function commandLine(pid: number): string {
  if (process.platform !== 'linux')
    return spawnSync('ps', ['-o', 'args=', '-p', String(pid)], {
      encoding: 'utf8',
      env: serverEnvironment(),
    }).stdout;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // The process ended between two reads.
  }
}

function isLarge(file: string): boolean {
  return existsSync(file) && statSync(file).size > LOG_LIMIT_BYTES;
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}
