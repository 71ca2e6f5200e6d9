import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import path from 'node:path';

/** A child process under test: its output and its exit. */
export interface Child {
  readonly process: ChildProcessWithoutNullStreams;
  output(): { stdout: string; stderr: string };
  /** Resolves when stdout or stderr holds `text`; rejects when the child ends without it. */
  says(text: string): Promise<void>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

const running = new Set<Child>();

/**
 * For `afterEach`: processes that a failed test left running would keep jest waiting without a
 * limit. Kills whole process groups.
 */
export async function endChildren(): Promise<void> {
  for (const child of running) killGroup(child.process.pid as number);
  await Promise.all([...running].map((child) => child.exited));
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // All processes of the group have ended; only their output is still being read.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Starts one of the scripts beside this file. `env` is added to an environment that names no
 * server.
 */
export function startScript(script: string, args: string[], env: NodeJS.ProcessEnv = {}): Child {
  return startProgram(process.execPath, [path.join(__dirname, script), ...args], env);
}

export function startProgram(program: string, args: string[], env: NodeJS.ProcessEnv = {}): Child {
  const { PATH, HOME } = process.env;
  const child = spawn(program, args, { env: { PATH, HOME, ...env }, detached: true });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  );
  const says = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => void ((stdout + stderr).includes(text) && resolve());
      check();
      child.stdout.on('data', check);
      child.stderr.on('data', check);
      void exited.then(() =>
        reject(new Error(`ended without saying "${text}":\n${stdout}${stderr}`)),
      );
    });
  const started: Child = { process: child, output: () => ({ stdout, stderr }), says, exited };
  running.add(started);
  void exited.then(() => running.delete(started));
  return started;
}
