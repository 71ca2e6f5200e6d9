import { randomBytes, randomUUID } from 'node:crypto';
import { openGoogle, type Google } from '@syncline/google';
import { systemClock, type Config, type GoogleProject, type Runtime } from '@syncline/runtime';
import { startSimulator, type Simulator, type SimulatorOptions } from '@syncline/simulator';
import { openStore, type Resource, type Store } from '@syncline/store';
import { syncCollection, type MirrorPolicy, type Outcome, type SyncDeps } from '@syncline/sync';
import { redisUrl, testDatabase, testRuntime, type TestDatabase } from './database.js';
import { SimulatorControl } from './simulator-control.js';
import { driftOf, type Drift } from './drift.js';

/** Google's 2026 limits, the engine's defaults in tests. */
export const QUOTAS: Config['quotas'] = {
  gmailUnitsPerUserMinute: 6_000,
  gmailUnitsPerProjectMinute: 1_200_000,
  gmailUnitsPerProjectDay: 80_000_000,
  calendarRequestsPerUserMinute: 600,
  calendarRequestsPerProjectMinute: 10_000,
  peopleRequestsPerUserMinute: 90,
  peopleRequestsPerProjectMinute: 1_000_000,
  gmailTier: 'new',
};

/** What each resource is read with. */
const SCOPES: Record<Resource, string[]> = {
  gmail: ['gmail.readonly'],
  calendar: ['calendar.readonly'],
  contacts: ['contacts.readonly', 'contacts.other.readonly'],
};

/** Returns limits raised by the same factor for the engine and for the simulator's checks. */
export function scaled(factor: number): Config['quotas'] {
  const { gmailTier, ...limits } = QUOTAS;
  return {
    ...(Object.fromEntries(
      Object.entries(limits).map(([name, limit]) => [name, limit * factor]),
    ) as typeof limits),
    gmailTier,
  };
}

/** A second listing begins a moment after the first, so that tests do not wait a minute. */
const POLICY = { activeMs: 60_000, idleMs: 900_000, confirmAfterMs: 100 };

/** A simulator, a database of its own and the engine between them, in this process, without queues. */
export interface World {
  rt: Runtime;
  simulator: Simulator;
  control: SimulatorControl;
  database: TestDatabase;
  store: Store;
  google: Google;
  masterKey: Buffer;
  /** The environment for a program of ours that works on this world. */
  env: Record<string, string>;
  /** The scope of the mirror; a test may change it, as an operator does between two starts. */
  mirror: Partial<MirrorPolicy>;
  /** Runs every collection until each was served by a run that began after this call. */
  catchUp(options?: {
    sliceMs?: number;
    onOutcome?: (collectionId: string, outcome: Outcome) => void;
  }): Promise<void>;
  /**
   * Compares mirror and source, every field of every account; of the mail, the messages that should
   * be `kept`.
   */
  drift(kept?: (message: Record<string, unknown>) => boolean): Promise<Drift>;
  /** Moves the clocks of Google and of the engine ahead; the database keeps its own. */
  passTime(ms: number): void;
  close(): Promise<void>;
}

export async function startWorld(
  options: SimulatorOptions & {
    quotaScale?: number;
    mirror?: Partial<MirrorPolicy>;
    projects?: GoogleProject[];
    /** What the accounts have mirrored; its scopes are consented to unless `scopes` says otherwise. */
    resources?: Resource[];
  },
): Promise<World> {
  const {
    quotaScale = 100,
    mirror = {},
    projects = [],
    resources = ['gmail', 'calendar'],
    ...simulatorOptions
  } = options;
  let movedMs = 0;
  const nowMs = (): number => systemClock.nowMs() + movedMs;
  const rt = testRuntime({ ...systemClock, nowMs, now: () => new Date(nowMs()) });
  const simulator = await startSimulator({
    scopes: ['openid', 'userinfo.email', ...resources.flatMap((name) => SCOPES[name])],
    ...simulatorOptions,
    quota: { scale: quotaScale, ...simulatorOptions.quota },
  });
  const control = new SimulatorControl(simulator.url);
  const database = await testDatabase();
  const masterKey = randomBytes(32);
  const store = await openStore(rt, {
    databaseUrl: database.url,
    masterKey,
    poolSize: 8,
  });
  const google = await openGoogle(rt, {
    apiUrl: simulator.url,
    clientId: 'test',
    clientSecret: 'test',
    redisUrl: redisUrl(),
    quotas: scaled(quotaScale),
    projects,
    tokens: store.vault,
    redisPrefix: `test-${randomUUID()}`,
    deployment: null,
    partBackoffMs: [2, 5, 10],
  });
  for (const { email, refreshToken } of await control.accounts())
    await store.accounts.import({
      email,
      refreshToken,
      tenant: 'default',
      resources,
    });
  const world: World = {
    rt,
    simulator,
    control,
    database,
    store,
    google,
    masterKey,
    env: {
      DATABASE_URL: database.url,
      REDIS_URL: redisUrl(),
      SYNCLINE_MASTER_KEY: masterKey.toString('base64'),
      GOOGLE_API_URL: simulator.url,
      GOOGLE_CLIENT_ID: 'test',
      GOOGLE_CLIENT_SECRET: 'test',
    },
    mirror,
    catchUp: (run) =>
      catchUp(rt, { store, google, policy: POLICY, mirror: world.mirror }, run ?? {}),
    drift: (kept) => driftOf(store, control, kept),
    passTime: (ms) => {
      simulator.clock.advance(ms);
      movedMs += ms;
    },
    async close() {
      // Every scenario also checks the simulator's record of quota violations.
      const { violations, callsAfterInvalidGrant, callsAfterRevoke } = await control.ledger();
      await google.close();
      await store.close();
      await database.drop();
      await simulator.close();
      if (violations.total > 0)
        throw new Error(
          `${violations.total} quota violations: ${JSON.stringify(violations.recent.slice(0, 5))}`,
        );
      if (callsAfterInvalidGrant + callsAfterRevoke > 0)
        throw new Error(
          `${callsAfterInvalidGrant + callsAfterRevoke} calls after the grant was refused or revoked`,
        );
    },
  };
  return world;
}

/** Does the work of scheduler, queues and workers one step at a time in one process. */
async function catchUp(
  rt: Runtime,
  deps: SyncDeps,
  options: { sliceMs?: number; onOutcome?: (collectionId: string, outcome: Outcome) => void },
): Promise<void> {
  const { store } = deps;
  const since = await store.schedule.requestSync(null);
  for (;;) {
    const behind = await store.schedule.behindSince(null, since);
    if (behind.length === 0) return;
    const dead = behind.find((collection) => collection.accountState !== 'active');
    if (dead)
      throw new Error(
        `${dead.kind} cannot be served: its account is ${dead.accountState} (${dead.reason})`,
      );
    const due = await store.schedule.claimDue({ limit: 20, visibilityMs: 1_000 });
    await Promise.all(due.map((collection) => runCollection(rt, deps, collection.id, options)));
    if (due.length === 0) await rt.clock.sleep(50);
  }
}

async function runCollection(
  rt: Runtime,
  deps: Parameters<typeof syncCollection>[1],
  id: string,
  options: { sliceMs?: number; onOutcome?: (collectionId: string, outcome: Outcome) => void },
): Promise<void> {
  // One signal per run, like a worker's jobs: a shared one would collect a listener per run.
  const { signal } = new AbortController();
  for (;;) {
    const outcome = await syncCollection(rt, deps, id, {
      sliceMs: options.sliceMs ?? 5_000,
      signal,
    });
    options.onOutcome?.(id, outcome);
    if (outcome.kind === 'more') continue;
    if (outcome.kind !== 'snoozed' && outcome.kind !== 'busy') return;
    await rt.clock.sleep(Math.max(0, outcome.until.getTime() - rt.clock.nowMs()));
  }
}
