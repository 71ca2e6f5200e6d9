/**
 * How a process hears that it should end. Two habits of npm, which is what most of our processes are started by:
 *
 * - it passes SIGINT and SIGTERM on to its script, which the terminal (Ctrl-C) or a signal to the process group has
 *   reached already: one key press arrives twice. One such echo is forgiven; whoever means it presses again;
 * - when it is killed it takes nobody along: its script would run on unseen. So a script whose parent is gone drains.
 */
import { receiveSignals } from './early-signals.js';

const ECHO_MS = 2_000;
const PARENT_CHECK_MS = 1_000;

/** The first signal aborts `draining`, at once if it came while the program was loaded; a second one ends the process at once with 1. */
export function drainOnSignals(draining: AbortController): void {
  const underNpm = process.env['npm_lifecycle_event'] !== undefined;
  let first: { name: string; atMs: number } | null = null;
  let echoes = underNpm ? 1 : 0;
  receiveSignals((name, atMs) => {
    if (first === null) {
      first = { name, atMs };
      draining.abort();
      return;
    }
    if (echoes > 0 && name === first.name && atMs - first.atMs < ECHO_MS) {
      echoes--;
      return;
    }
    process.stderr.write(`a second ${name}: ending without draining\n`);
    process.exit(1);
  });
  if (underNpm) drainWithoutParent(draining);
}

/** Resolves when the signals that have come are received: Node tells of them when its loop turns. */
export function signalsReceived(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function drainWithoutParent(draining: AbortController): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    draining.abort();
  }, PARENT_CHECK_MS);
  watch.unref();
}
