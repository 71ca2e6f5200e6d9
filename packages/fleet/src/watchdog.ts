/** What a worker knows of its own queue when it asks whether it is stuck. */
export interface QueuePulse {
  /** Jobs that could be fetched now. */
  waiting: number;
  running: number;
  concurrency: number;
  /** Since a job was last fetched, or since the worker began. */
  quietMs: number;
}

export const STUCK_AFTER_MS = 60_000;

/**
 * True when work waits, a slot is free and nothing has been fetched for a minute: BullMQ's fetch loop is wedged. It has
 * happened after outages and failovers (bullmq #4585, #2964), and a restart is the cure.
 */
export function isStuck({ waiting, running, concurrency, quietMs }: QueuePulse): boolean {
  return waiting > 0 && running < concurrency && quietMs >= STUCK_AFTER_MS;
}
