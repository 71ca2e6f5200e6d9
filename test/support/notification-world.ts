import { randomBytes, randomUUID } from 'node:crypto';
import { openFleet, type Fleet } from '@syncline/fleet';
import { openGoogle, type Google } from '@syncline/google';
import { openPushVerifier, openSubscription } from '@syncline/google/push';
import { createRuntime, type Runtime } from '@syncline/runtime';
import { startSimulator, type Simulator, type SimulatorOptions } from '@syncline/simulator';
import { openStore, type Store } from '@syncline/store';
import { publicApp } from '../../apps/api/src/public-app.js';
import { openNotifier } from '../../apps/api/src/notifications/notifier.js';
import { runPull } from '../../apps/api/src/notifications/gmail/pull.js';
import { runTicks } from '../../apps/scheduler/src/tick.js';
import { runWatchTicks } from '../../apps/scheduler/src/watch-ticks.js';
import { splitConcurrency } from '../../apps/worker/src/concurrency.js';
import { handleJob } from '../../apps/worker/src/handle.js';
import { openQuietSyncs } from '../../apps/worker/src/quiet-syncs.js';
import { redisUrl, testDatabase, type TestDatabase } from './database.js';
import { driftOf, type Drift } from './drift.js';
import { listenForTest } from './listener.js';
import { SimulatorControl } from './simulator-control.js';
import { scaled } from './world.js';

export const TOPIC = 'projects/sim/topics/gmail';
export const SUBSCRIPTION = 'projects/sim/subscriptions/syncline';
const SERVICE_ACCOUNT = 'push@sim.iam.gserviceaccount.com';
const QUOTA_SCALE = 100;

/**
 * A simulator that sends notifications, and the whole fleet that receives them, in this process:
 * scheduler, worker and API on queues and a database of their own.
 */
export interface NotificationWorld {
  rt: Runtime;
  simulator: Simulator;
  database: TestDatabase;
  store: Store;
  google: Google;
  watches(): Promise<{
    gmail: { email: string }[];
    channels: { id: string; resourceUri: string }[];
  }>;
  drift(): Promise<Drift>;
  /** Switches Gmail's notifications from push to pull. */
  pullInstead(): void;
  /** Waits for a condition on the rows. */
  until(met: () => Promise<boolean>, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

export interface NotificationOptions extends SimulatorOptions {
  poll: { activeMs: number; idleMs: number };
  /** The mirrored resources; default: Gmail and Calendar. */
  resources?: ('gmail' | 'calendar')[];
}

export async function startNotificationWorld({
  poll,
  resources = ['gmail', 'calendar'],
  ...options
}: NotificationOptions): Promise<NotificationWorld> {
  const over = new AbortController();
  const rt = createRuntime({
    service: 'test',
    logLevel: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    stdout: 'stderr',
    signal: over.signal,
  });
  const simulator = await startSimulator({ ...options, quota: { scale: QUOTA_SCALE } });
  const control = new SimulatorControl(simulator.url);
  const database = await testDatabase();
  const prefix = `test-${randomUUID()}`;
  const store = await openStore(rt, {
    databaseUrl: database.url,
    masterKey: randomBytes(32),
    poolSize: 10,
  });
  const google = await openGoogle(rt, {
    apiUrl: simulator.url,
    clientId: 'test',
    clientSecret: 'test',
    redisUrl: redisUrl(),
    quotas: scaled(QUOTA_SCALE),
    tokens: store.vault,
    redisPrefix: prefix,
    deployment: null,
  });
  const fleet = await openFleet(rt, {
    redisUrl: redisUrl(),
    redisPrefix: prefix,
    deployment: null,
  });
  const notifications = await openNotifications(rt, { simulator, store, fleet });
  const watchTargets = { topic: TOPIC, channelAddress: `${notifications.url}/push/calendar` };
  for (const { email, refreshToken } of simulator.accounts())
    await store.accounts.import({
      email,
      refreshToken,
      tenant: 'default',
      resources,
    });
  const host = await fleet.work({
    concurrency: { ...splitConcurrency(16), watch: 2 },
    handle: handleJob(rt, { store, google, policy: poll, watchTargets }, openQuietSyncs(rt)),
  });
  const ticking = Promise.all([
    runTicks(rt, { store, fleet }),
    runWatchTicks(rt, { store, fleet }),
  ]);
  return {
    rt,
    simulator,
    database,
    store,
    google,
    watches: async () =>
      (await (await fetch(`${simulator.url}/sim/watches`)).json()) as Awaited<
        ReturnType<NotificationWorld['watches']>
      >,
    drift: () => driftOf(store, control),
    pullInstead: notifications.pullInstead,
    until: (met, timeoutMs = 30_000) => until(database, met, timeoutMs),
    async close() {
      simulator.setRate(0);
      over.abort(new Error('the test is over'));
      await Promise.all([ticking, host.drain(5_000), notifications.close(rt)]);
      await Promise.all([fleet.close(), google.close()]);
      const { violations, callsAfterInvalidGrant, callsAfterRevoke } = simulator.ledger.snapshot();
      await store.close();
      await database.drop();
      await simulator.close();
      if (violations.total + callsAfterInvalidGrant + callsAfterRevoke > 0)
        throw new Error(
          `the simulator's violations: ${JSON.stringify({ violations: violations.recent.slice(0, 5), callsAfterInvalidGrant, callsAfterRevoke })}`,
        );
    },
  };
}

/** Opens the API, and the subscription that pushes to it or that it pulls from. */
async function openNotifications(
  rt: Runtime,
  o: { simulator: Simulator; store: Store; fleet: Fleet },
): Promise<{ url: string; pullInstead(): void; close(rt: Runtime): Promise<void> }> {
  const notifier = openNotifier(rt, o);
  const audience = 'https://sync.example.com/push/gmail';
  const verifier = openPushVerifier(rt, {
    apiUrl: o.simulator.url,
    audience,
    serviceAccount: SERVICE_ACCOUNT,
  });
  const server = await listenForTest(publicApp(rt, { notifier, verifier, vault: o.store.vault }));
  const url = server.origin;
  o.simulator.delivery.set({ minGapMs: 0 });
  o.simulator.pubsub.subscribe({
    name: SUBSCRIPTION,
    topic: TOPIC,
    pushEndpoint: `${url}/push/gmail`,
    serviceAccountEmail: SERVICE_ACCOUNT,
    audience,
  });
  const {
    client_email: email,
    private_key: privateKey,
    private_key_id: keyId,
  } = o.simulator.serviceAccount.keyFile() as {
    client_email: string;
    private_key: string;
    private_key_id: string;
  };
  const subscription = openSubscription(rt, {
    apiUrl: o.simulator.url,
    name: SUBSCRIPTION,
    serviceAccount: { email, privateKey, keyId },
  });
  let pulling = Promise.resolve();
  return {
    url,
    pullInstead: () => {
      o.simulator.pubsub.subscribe({ name: SUBSCRIPTION, topic: TOPIC });
      pulling = runPull(rt, subscription, notifier);
    },
    close: async (runtime) => {
      await Promise.all([server.close(runtime), pulling]);
      await Promise.all([verifier.close(), subscription.close()]);
    },
  };
}

async function until(
  database: TestDatabase,
  met: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; !(await met());) {
    if (performance.now() > deadline) {
      const { rows } = await database.pool.query(
        'SELECT c.kind, c.external_id, c.phase, c.error, c.notified_at, c.caught_up_at, c.next_sync_at, w.* FROM syncline.collections c LEFT JOIN syncline.watches w ON w.collection_id = c.id',
      );
      throw new Error(
        `it did not come to that within ${timeoutMs} ms: ${JSON.stringify(rows, null, 1)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
