import { readFileSync, readdirSync } from 'node:fs';

/* The machine's processes, from Linux' /proc. A process that ended meanwhile reads as empty. */

/** Returns the ids of a process' children. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' '))
    .filter((id) => id !== '')
    .map(Number);
}

/** Returns the environment with which a process was started. */
export function environmentOf(pid: number): Record<string, string> {
  return Object.fromEntries(
    read(`/proc/${pid}/environ`)
      .split('\0')
      .filter((entry) => entry !== '')
      .map((entry) => {
        const at = entry.indexOf('=');
        return [entry.slice(0, at), entry.slice(at + 1)];
      }),
  );
}

/** Returns program and arguments, separated by spaces. */
export function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

/** Returns every process whose command contains `text`. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandOf(pid).includes(text));
}

/** Whether a process is running; false also for one that has ended but has not been waited for. */
export function isRunning(pid: number): boolean {
  return commandOf(pid) !== '';
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
