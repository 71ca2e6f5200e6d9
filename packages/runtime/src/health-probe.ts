/**
 * The probes behind `/readyz`. They run in the background: a server is probed once per period,
 * regardless of the number of requests.
 */
import type { Need } from './health.js';
import { runLoop } from './loop.js';
import { RepeatLimit } from './repeat-limit.js';
import type { Runtime } from './runtime.js';

const EVERY_MS = 5_000;
/**
 * Interval after a failure. It is shorter, so that a process is ready again soon after its server.
 */
const FAILED_EVERY_MS = 2_000;
/**
 * Together with the period it stays below the 10 s within which a half-open connection is detected.
 */
const TIMEOUT_MS = 3_000;

export interface HealthProbe {
  /** The name in `/readyz` and the log. */
  name: string;
  /** The effect of a failure on the process. */
  need: Need;
  /** Rejects when the server cannot do what this process requires of it. */
  check: () => Promise<void>;
}

/**
 * Probes every 5 s, and every 2 s after a failure, until `rt.signal` is aborted. The limit of a
 * probe is 3 s.
 */
export function runHealthProbe(rt: Runtime, { name, need, check }: HealthProbe): Promise<void> {
  const limit = new RepeatLimit();
  const guarded = oneAtATime(check);
  let wasOk = true;
  rt.health.expectProbe(name, need);
  return runLoop(rt, {
    name: `probe-${name}`,
    backoff: { firstMs: FAILED_EVERY_MS, capMs: FAILED_EVERY_MS },
    failed: { event: 'probe_broken', text: 'the probe itself failed' },
    round: async () => {
      const beganMs = rt.clock.nowMs();
      const error = await errorInTime(rt, guarded);
      if (rt.signal.aborted) return 0;
      rt.health.probed(name, error === null);
      const suppressed = error === null ? null : limit.admit(name, beganMs);
      if (suppressed !== null)
        rt.log.warn(
          { event: 'probe_failed', probe: name, suppressed, err: error },
          need === 'not-ready' ? 'the process is not ready' : 'the process is degraded',
        );
      if (error === null && !wasOk)
        rt.log.info({ event: 'probe_recovered', probe: name }, 'the probe succeeds again');
      wasOk = error === null;
      const everyMs = wasOk ? EVERY_MS : FAILED_EVERY_MS;
      // A difference is negative only when the clock was set back.
      const tookMs = Math.max(0, rt.clock.nowMs() - beganMs);
      return Math.max(FAILED_EVERY_MS / 2, everyMs - tookMs);
    },
  });
}

/** A timed-out probe may hold its connection for a while. No second probe starts until it ends. */
function oneAtATime(check: () => Promise<void>): () => Promise<void> {
  let isRunning = false;
  return async () => {
    if (isRunning) throw new Error('the probe before has not ended');
    isRunning = true;
    try {
      await check();
    } finally {
      isRunning = false;
    }
  };
}

/** Returns null when the probe succeeded in time. */
async function errorInTime(rt: Runtime, check: () => Promise<void>): Promise<unknown> {
  const waiting = new AbortController();
  const end = (): void => waiting.abort(new Error('the probe is over'));
  rt.signal.addEventListener('abort', end, { once: true });
  const late = rt.clock.sleep(TIMEOUT_MS, waiting.signal).then(
    () => new Error(`no answer within ${TIMEOUT_MS} ms`),
    (reason: unknown) => reason,
  );
  const answered = check().then(
    () => null,
    (error: unknown) => error ?? new Error('failed without an error'),
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    end();
    rt.signal.removeEventListener('abort', end);
  }
}
