import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { prefixOf } from './database.js';
import { noteFailure } from './failed-commands.js';

/*
 * Real processes, as an operator runs them: the built programs, environment variables, signals.
 * stopAll kills everything that was started here, also when a test fails.
 */

const ROOT = path.resolve(__dirname, '../..');
const started = new Set<ChildProcess>();

export type Program = 'scheduler' | 'worker' | 'api' | 'cli';
export type Started = ChildProcess & { output: string[] };

/** Starts one of the built programs; its output is kept for a failing test. */
export function startProgram(
  program: Program,
  env: Record<string, string>,
  args: string[] = [],
): Started {
  const start = (words: string[]): Started =>
    startNode([path.join(ROOT, `apps/${program}/dist/main.js`), ...words], env);
  const child = start(args);
  if (program === 'cli') noteFailure(child, args, (email) => start(['why', email]));
  return child;
}

/** @param as the user and the directory; by default the current user, in the checkout */
export function startNode(
  args: string[],
  env: Record<string, string>,
  as: { uid?: number; gid?: number; cwd?: string } = {},
): Started {
  const inherited = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
  const child = spawn(process.execPath, [...preloaded(as), ...args], {
    cwd: ROOT,
    ...as,
    // Free ports: test files run in parallel.
    env: { ...inherited, LOG_LEVEL: 'info', OPERATOR_PORT: '0', ...prefixFor(env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.add(child);
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => output.push(text));
  }
  return Object.assign(child, { output });
}

/**
 * Returns options with which a program loads code that an earlier process has compiled. Other users
 * cannot read it.
 */
function preloaded({ uid }: { uid?: number }): string[] {
  const preload = process.env['SYNCLINE_TEST_PRELOAD'];
  return preload === undefined || uid !== undefined ? [] : ['--require', preload];
}

/**
 * Returns a prefix: on the Redis that test files share, each database is a deployment of its own.
 */
function prefixFor({ DATABASE_URL, REDIS_URL }: Record<string, string>): Record<string, string> {
  const isShared = REDIS_URL !== undefined && REDIS_URL === process.env['SYNCLINE_TEST_REDIS_URL'];
  return isShared && DATABASE_URL ? { REDIS_PREFIX: prefixOf(DATABASE_URL) } : {};
}

/** Resolves with the first line of output that satisfies `wanted`. */
export async function lineOf(
  child: Started,
  matches: (line: string) => boolean,
  timeoutMs = 20_000,
): Promise<string> {
  const deadline = AbortSignal.timeout(timeoutMs);
  for (;;) {
    const line = child.output.join('').split('\n').find(matches);
    if (line !== undefined) return line;
    if (child.exitCode !== null)
      throw new Error(
        `the process ended with ${child.exitCode}:\n${child.output.join('').slice(-2_000)}`,
      );
    const outputs = [child.stdout!, child.stderr!];
    const more = outputs.map((output) => once(output, 'data', { signal: deadline }));
    await Promise.race(more).catch(() => {
      throw new Error(
        `no such line within ${timeoutMs} ms:\n${child.output.join('').slice(-2_000)}`,
      );
    });
  }
}

/** Waits for a program that ends by itself. */
export async function exited(
  child: Started,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  child.stdout!.on('data', (text: string) => stdout.push(text));
  child.stderr!.on('data', (text: string) => stderr.push(text));
  await once(child, 'close');
  started.delete(child);
  return { code: child.exitCode, stdout: stdout.join(''), stderr: stderr.join('') };
}

/** Sends the signal and waits for the process's end. */
export async function endProcess(
  child: ChildProcess,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }
  started.delete(child);
  return { code: child.exitCode, signal: child.signalCode };
}

export async function stopAll(): Promise<void> {
  await Promise.all([...started].map((child) => endProcess(child, 'SIGKILL')));
}
