/**
 * Waits for an unavailable server while a program starts: the server, or a pooler in front of it,
 * restarts or fails over. Without this wait the program would end, and its orchestrator would
 * restart it again and again. There is no wait for problems that a person has to fix.
 */
import { backoffMs } from './backoff.js';
import { type OperatorError, ServerUnavailable } from './errors.js';
import type { Runtime } from './runtime.js';

/**
 * Maximum wait of a start: for a program that runs until a signal ends it, and for a command, which
 * a person runs and waits for.
 */
export const SERVER_WAIT_MS = { program: 60_000, command: 5_000 } as const;

const BACKOFF = { firstMs: 250, capMs: 5_000 };

/** Converts an error of one library into a sentence for an operator; null for every other error. */
export type Explain = (error: unknown) => OperatorError | null;

/**
 * Does `work`, and repeats it while it fails with a ServerUnavailable, for at most
 * `rt.serverWaitMs`. Each reason is logged once. Ends immediately when `rt.signal` is aborted.
 * @param explain converts raw errors into sentences, and thereby decides which of them are repeated
 * @param onSignal handling of a running attempt: it is abandoned because the process ends, or it is
 * awaited because it ends by itself and reports its result
 * @throws the last error of `work`, explained; the signal's reason when it is aborted
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
      // The pauses are counted separately because the clock may be set back.
      const leftMs = rt.serverWaitMs - Math.max(pausedMs, rt.clock.nowMs() - beganMs);
      if (!(explained instanceof ServerUnavailable) || leftMs <= 0) throw explained;
      logUnavailable(rt, explained, reported);
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

function logUnavailable(
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
 * Does `work`, and abandons it when the signal is aborted. For work that the end of the process
 * ends too.
 * @throws the error of `work`; the signal's reason
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
