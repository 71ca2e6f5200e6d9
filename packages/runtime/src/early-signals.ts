/**
 * Keeps the signals that end a process, from its first line until they are handled. Loading a
 * program takes about a second. Without this a signal during that time would be lost in a program
 * that is process 1, as in a container, and would end any other program without draining.
 *
 * This module imports nothing, so that it runs before every other module.
 */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** The first signal, its repetition by npm, and one deliberate repetition. */
const MAX_KEPT_SIGNALS = 3;

/** @param atMs time of the signal, by `performance.now()` */
export type Receive = (name: NodeJS.Signals, atMs: number) => void;

const kept: { name: NodeJS.Signals; atMs: number }[] = [];
let receiver: Receive | null = null;
let isListening = false;

/** From this call on, signals do not end the process. */
export function keepSignals(): void {
  if (isListening) return;
  isListening = true;
  for (const name of SIGNALS) process.on(name, onSignal);
}

/** Passes the kept signals and all later ones to `receive`. */
export function receiveSignals(receive: Receive): void {
  keepSignals();
  receiver = receive;
  for (const { name, atMs } of kept.splice(0)) receive(name, atMs);
}

/**
 * For a program that has finished and does not drain. Signals end the process immediately again,
 * unless a receiver is set.
 */
export function restoreSignals(): void {
  if (receiver !== null) return;
  for (const name of SIGNALS) process.off(name, onSignal);
}

function onSignal(name: NodeJS.Signals): void {
  const atMs = performance.now();
  if (receiver !== null) receiver(name, atMs);
  else if (kept.length < MAX_KEPT_SIGNALS) kept.push({ name, atMs });
}
