/** Writes the outcome of sessions that have expired or whose person has not come back. */
import { runLoop, type Runtime } from '@syncline/runtime';
import type { ConnectSessions } from '@syncline/store';
import type { ConnectOutcome } from '@syncline/contract/connect-outcomes';

const EVERY_MS = 15_000;
const BACKOFF = { firstMs: 5_000, capMs: 60_000 };
const ROUND_LIMIT_MS = 60_000;
const LIMIT = 200;
const AWAY: ConnectOutcome = 'not-returned';
const EXPIRED: ConnectOutcome = 'expired';
/** Google's error pages do not redirect; a person who consents comes back sooner. */
const AWAY_AFTER_MS = 300_000;

interface Deps {
  store: { connectSessions: Pick<ConnectSessions, 'expire' | 'noteAway'> };
}

/** Runs until `rt.signal` is aborted. Several processes may: each session is written once. */
export async function runConnectExpiry(rt: Runtime, deps: Deps): Promise<void> {
  await runLoop(rt, {
    name: 'connect-expiry',
    need: 'degraded',
    roundLimitMs: ROUND_LIMIT_MS,
    backoff: BACKOFF,
    firstAfterMs: EVERY_MS,
    failed: {
      event: 'connect_expiry_failed',
      text: 'the outcome of expired connect sessions cannot be written; trying again',
    },
    round: async () => {
      const { isLast, outcomes } = await expireConnectSessions(deps);
      for (const outcome of outcomes) rt.metrics.connects.inc({ outcome });
      return isLast ? EVERY_MS : 0;
    },
  });
}

/** One round. @returns whether none are left, and the outcomes that were written */
export async function expireConnectSessions(
  { store: { connectSessions } }: Deps,
  awayAfterMs = AWAY_AFTER_MS,
): Promise<{ isLast: boolean; outcomes: string[] }> {
  const away = await connectSessions.noteAway({
    outcome: AWAY,
    afterMs: awayAfterMs,
    limit: LIMIT,
  });
  const { expired, outcomes } = await connectSessions.expire({
    outcome: EXPIRED,
    awayOutcome: AWAY,
    limit: LIMIT,
  });
  return {
    isLast: expired < LIMIT && away < LIMIT,
    outcomes: [...outcomes, ...Array.from({ length: away }, () => AWAY)],
  };
}
