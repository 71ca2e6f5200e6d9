/**
 * Runs a program to its end without blocking the event loop, so that signals are handled meanwhile.
 */
import { spawn } from 'node:child_process';
import type { ServerAccount } from './account.js';

export interface Run {
  program: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  account?: ServerAccount;
  /** Text for its standard input. */
  input?: string;
  /** The program is killed after this time. Default: never. */
  timeoutMs?: number;
}

export interface Ran {
  ok: boolean;
  /** Output of the program on stderr, or the reason why it could not be started. */
  stderr: string;
}

/** @throws the signal's reason when it was aborted; the program receives SIGTERM in that case */
export async function runToEnd(run: Run, signal: AbortSignal): Promise<Ran> {
  signal.throwIfAborted();
  const child = spawn(run.program, run.args, {
    ...run.account,
    cwd: '/',
    env: run.env,
    stdio: ['pipe', 'ignore', 'pipe'],
    timeout: run.timeoutMs,
    signal,
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  // The program ended before reading all input; its exit code shows whether it failed.
  child.stdin.on('error', () => undefined);
  child.stdin.end(run.input);
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
    // After an abort, the remaining output is not awaited.
    child.once('exit', (status) => signal.aborted && resolve(status));
    child.once('error', (error) => {
      stderr += error.message;
      if (child.pid === undefined) resolve(null); // The program could not be started.
    });
  });
  signal.throwIfAborted();
  return { ok: code === 0, stderr };
}
