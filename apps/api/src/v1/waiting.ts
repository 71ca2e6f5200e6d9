import type { Runtime } from '@syncline/runtime';

/** Returns what a waiting request needs; its signal ends the wait at a drain, and for a client that has gone. */
export function whileConnected(
  { clock, signal }: Pick<Runtime, 'clock' | 'signal'>,
  gone: AbortSignal,
): Pick<Runtime, 'clock' | 'signal'> {
  return { clock, signal: AbortSignal.any([signal, gone]) };
}
