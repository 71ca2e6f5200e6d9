import { randomUUID } from 'node:crypto';
import { openGoogle } from '@syncline/google';
import { createRuntime, systemClock, type Runtime } from '@syncline/runtime';
import { syncCollection, type Outcome } from '@syncline/sync';
import { redisUrl } from '../support/database.js';
import { NO_DRIFT } from '../support/drift.js';
import { scaled, startWorld } from '../support/world.js';

const HOUR_MS = 3_600_000;

/** A process on a machine whose clock is wrong. */
function machine(skewMs: number): Runtime {
  const nowMs = (): number => systemClock.nowMs() + skewMs;
  return createRuntime({
    service: 'test',
    logLevel: 'silent',
    stdout: 'stderr',
    clock: { ...systemClock, nowMs, now: () => new Date(nowMs()) },
  });
}

test('workers whose clocks are hours apart share leases, quota and schedule correctly', async () => {
  const world = await startWorld({
    seed: 91,
    accounts: 1,
    messagesPerAccount: 60,
    calendarsPerAccount: 2,
    eventsPerCalendar: 20,
  });
  const redisPrefix = `skew-${randomUUID()}`;
  const workers = await Promise.all(
    [-2 * HOUR_MS, 3 * HOUR_MS].map(async (skewMs) => {
      const rt = machine(skewMs);
      const google = await openGoogle(rt, {
        apiUrl: world.simulator.url,
        clientId: 'test',
        clientSecret: 'test',
        redisUrl: redisUrl(),
        quotas: scaled(100),
        tokens: world.store.vault,
        redisPrefix,
        deployment: null,
      });
      return {
        rt,
        google,
        deps: { store: world.store, google, policy: { activeMs: 60_000, idleMs: 900_000 } },
      };
    }),
  );
  await world.control.rate(30);
  const outcomes: Outcome['kind'][] = [];
  const syncAll = async (): Promise<void> => {
    const since = await world.store.schedule.requestSync(null);
    while ((await world.store.schedule.behindSince(null, since)).length > 0) {
      const due = await world.store.schedule.claimDue({ limit: 20, visibilityMs: 100 });
      // Both take the same collection at once: one has it, the other is told so.
      const ran = await Promise.all(
        due.flatMap(({ id }) =>
          workers.map(({ rt, deps }) =>
            syncCollection(rt, deps, id, { sliceMs: 200, signal: rt.signal }),
          ),
        ),
      );
      outcomes.push(...ran.map((outcome) => outcome.kind));
    }
  };
  for (let round = 0; round < 3; round++) {
    if (round === 2) await world.control.rate(0);
    await syncAll();
  }
  expect(outcomes).toContain('busy');
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  // The traffic may remove a calendar: its collection is off the schedule, and no run of it is open.
  const { rows } = await world.database.pool.query(
    "SELECT kind, state, open_runs, next_sync_at FROM syncline.collections WHERE open_runs > 0 OR (state = 'active' AND next_sync_at > now() + interval '1 day')",
  );
  expect(rows).toEqual([]);
  await Promise.all(workers.map(({ google }) => google.close()));
  await world.close();
});
