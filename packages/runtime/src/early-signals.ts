/**
 * The signals that end a process, kept from its first line until somebody receives them. Loading a program takes about a second, and
 * a signal within it would be lost where the program is process 1, as in a container, and end it without draining elsewhere.
 *
 * Imports nothing: it is there before everything else.
 */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** The first one, the echo that npm makes of it, and one that is meant. */
const KEPT = 3;

/** @param atMs when the signal came, by `performance.now()` */
export type Receive = (name: NodeJS.Signals, atMs: number) => void;

const kept: { name: NodeJS.Signals; atMs: number }[] = [];
let receiver: Receive | null = null;
let isListening = false;

/** From now on signals do not end the process. */
export function keepSignals(): void {
  if (isListening) return;
  isListening = true;
  for (const name of SIGNALS) process.on(name, hear);
}

/** Gives `receive` the signals that have come, and those to come. */
export function receiveSignals(receive: Receive): void {
  keepSignals();
  receiver = receive;
  for (const { name, atMs } of kept.splice(0)) receive(name, atMs);
}

/** For what does not drain and is done: unless somebody receives them, signals end the process at once again. */
export function leaveSignals(): void {
  if (receiver !== null) return;
  for (const name of SIGNALS) process.off(name, hear);
}

function hear(name: NodeJS.Signals): void {
  const atMs = performance.now();
  if (receiver !== null) receiver(name, atMs);
  else if (kept.length < KEPT) kept.push({ name, atMs });
}
