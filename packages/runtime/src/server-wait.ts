/**
 * Waits for a server that is away while a program starts: it, or a pooler before it, restarts or
 * fails over. A program that ended at once would be restarted again and again by its orchestrator.
 * What a person has to change is not waited for.
 */
import { backoffMs } from './backoff.js';
import { type OperatorError, ServerUnavailable } from './errors.js';
import type { Runtime } from './runtime.js';

/**
 * How long a start waits: of a program that runs until a signal ends it, and of a command, for
 * which a person waits.
 */
export const SERVER_WAIT_MS = { program: 60_000, command: 5_000 } as const;

const BACKOFF = { firstMs: 250, capMs: 5_000 };

/** Puts an error of one library into a sentence for an operator; null for every other error. */
export type Explain = (error: unknown) => OperatorError | null;

/**
 * Does `work`, and repeats it while it fails with a ServerUnavailable, for `rt.serverWaitMs` at
 * most. Each reason is logged once. Ends at once when `rt.signal` is aborted.
 * @param explain puts raw errors into sentences, and so decides which of them are waited for
 * @param onSignal what becomes of a running attempt: it is abandoned, since the process ends; or it
 * is awaited, since it ends by itself and says what it did
 * @throws what `work` threw last, explained; the signal's reason when it is aborted
 */
export async function waitForServers<T>(
  rt: Pick<Runtime, 'clock' | 'log' | 'random' | 'serverWaitMs' | 'signal'>,
  work: () => Promise<T>,
  explain: readonly Explain[] = [],
  onSignal: 'abandon' | 'await' = 'abandon',
): Promise<T> {
  rt.signal.throwIfAborted();
  const beganMs = rt.clock.nowMs();
  let pausedMs = 0;
  const reported = new Set<string>();
  for (let failures = 1; ; failures++) {
    try {
      return await (onSignal === 'await' ? work() : unlessAborted(rt.signal, work));
    } catch (error) {
      if (rt.signal.aborted) throw error;
      const explained = explainedBy(explain, error);
      // The pauses count as well, since a clock may be set back.
      const leftMs = rt.serverWaitMs - Math.max(pausedMs, rt.clock.nowMs() - beganMs);
      if (!(explained instanceof ServerUnavailable) || leftMs <= 0) throw explained;
      tell(rt, explained, reported);
      const pauseMs = Math.min(leftMs, backoffMs(failures, BACKOFF, rt.random.next()));
      await rt.clock.sleep(pauseMs, rt.signal);
      pausedMs += pauseMs;
    }
  }
}

function explainedBy(explain: readonly Explain[], error: unknown): unknown {
  for (const one of explain) {
    const explained = one(error);
    if (explained !== null) return explained;
  }
  return error;
}

function tell(
  { log, serverWaitMs }: Pick<Runtime, 'log' | 'serverWaitMs'>,
  { server, reason }: ServerUnavailable,
  reported: Set<string>,
): void {
  const kind = `${server}: ${reason}`;
  if (reported.has(kind)) return;
  reported.add(kind);
  log.warn(
    { event: 'server_awaited', server, reason },
    `${server} is unavailable (${reason}); the start waits for it for up to ${serverWaitMs / 1_000} s`,
  );
}

/**
 * Does `work`, and abandons it when the signal is aborted: for work that the end of the process
 * ends.
 * @throws what `work` throws; the signal's reason
 */
export async function unlessAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
