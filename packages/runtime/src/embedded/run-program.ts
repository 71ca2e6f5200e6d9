/** Running a program to its end without blocking the event loop, so that a signal is heard meanwhile. */
import { spawn } from 'node:child_process';
import type { ServerAccount } from './account.js';

export interface Run {
  program: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  account?: ServerAccount;
  /** Written to its standard input. */
  input?: string;
  /** It is killed then. Default: never. */
  timeoutMs?: number;
}

export interface Ran {
  ok: boolean;
  /** What it wrote to stderr, or why it could not be started. */
  stderr: string;
}

/** @throws the signal's reason when it was aborted; the program is sent SIGTERM then */
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
  child.stdin.on('error', () => undefined); // It ended without reading all of it: its exit code says how.
  child.stdin.end(run.input);
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
    // With an aborted signal its last words are not waited for.
    child.once('exit', (status) => signal.aborted && resolve(status));
    child.once('error', (error) => {
      stderr += error.message;
      if (child.pid === undefined) resolve(null); // It could not be started.
    });
  });
  signal.throwIfAborted();
  return { ok: code === 0, stderr };
}
