/**
 * The signals that end a process. Two properties of npm matter, because npm starts most of these
 * processes:
 *
 * - npm passes SIGINT and SIGTERM on to its script. The terminal (Ctrl-C) or a signal to the
 *   process group has already reached the script, so one key press arrives twice. One such
 *   repetition is ignored; a further one counts as the second signal;
 * - when npm is killed, its script would keep running unnoticed. A script whose parent has ended
 *   therefore drains.
 */
import { receiveSignals } from './early-signals.js';

const DUPLICATE_WITHIN_MS = 2_000;
const PARENT_CHECK_MS = 1_000;

/**
 * The first signal aborts `draining`, immediately if it arrived while the program was loaded. A
 * second signal ends the process immediately with exit code 1.
 */
export function drainOnSignals(draining: AbortController): void {
  const underNpm = process.env['npm_lifecycle_event'] !== undefined;
  let first: { name: string; atMs: number } | null = null;
  let duplicatesLeft = underNpm ? 1 : 0;
  receiveSignals((name, atMs) => {
    if (first === null) {
      first = { name, atMs };
      draining.abort();
      return;
    }
    if (duplicatesLeft > 0 && name === first.name && atMs - first.atMs < DUPLICATE_WITHIN_MS) {
      duplicatesLeft--;
      return;
    }
    process.stderr.write(`a second ${name}: ending without draining\n`);
    process.exit(1);
  });
  if (underNpm) drainWithoutParent(draining);
}

/**
 * Resolves when the pending signals have been handled. Node delivers them in the next iteration of
 * the event loop.
 */
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
