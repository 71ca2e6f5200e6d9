import { endProcess, lineOf } from '../support/processes.js';
import { startCluster, type TestCluster } from '../support/redis-cluster.js';
import { ROOMY, SMALL, expectMirrored, keysOf } from '../support/redis-fleet.js';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';

/* Real processes on a Redis Cluster, which REDIS_URL names by one of its nodes. */

let cluster: TestCluster;
let world: FleetWorld;

afterEach(async () => {
  await world.close();
  await cluster.stop();
});

async function fleetOn(masters: number, replicas: number): Promise<void> {
  cluster = await startCluster(masters, replicas);
  world = await startFleetWorld(
    { ...SMALL, messagesPerAccount: 400, latencyMs: 60, seed: 71 },
    { url: cluster.url, env: ROOMY },
  );
  // Nothing is spent before the workers begin: after a failover they would wait for what an ended process had spent.
  expect(await world.importUnverified(await world.control.accounts())).toMatchObject({ code: 0 });
}

test('a fleet on a cluster of three masters mirrors, detects a killed worker by its connections, and spreads its keys', async () => {
  await fleetOn(3, 0);
  const [scheduler, api] = [world.start('scheduler'), world.start('api')];
  const workers = [world.start('worker'), world.start('worker')];
  const holder = await untilLeased();
  const victim = workers.find(({ pid }) => holder.startsWith(`${pid}-`));
  await endProcess(victim!, 'SIGKILL');
  await lineOf(scheduler, (line) => line.includes('"event":"worker_died"'));
  await expectMirrored(world);
  expect((await fetch(`${await urlOf(api)}/readyz`)).status).toBe(200);
  const spread = await Promise.all(cluster.urls.map((url) => keysOf(url)));
  expect(spread.flat().filter((key) => !key.startsWith('syncline:'))).toEqual([]);
  expect(spread.filter((keys) => keys.length > 0)).toHaveLength(3);
}, 240_000);

test('the master of a queue is killed during a sync: its replica takes over, scripts run there, and the mirror is whole', async () => {
  await fleetOn(3, 1);
  const fleet = [world.start('scheduler'), world.start('worker'), world.start('worker')];
  await untilLeased();
  const dead = await cluster.killMasterOf('syncline:{gmail-full}:gmail-full:wait');
  // The URL names any node, and another one answers.
  world.env['REDIS_URL'] = cluster.urls.find((url) => url !== dead) ?? '';
  await expectMirrored(world);
  expect(fleet.map(({ exitCode }) => exitCode)).toEqual([null, null, null]);
}, 240_000);

/** Waits until a worker has a mailbox in hand and mail flows. Returns the worker's name. */
async function untilLeased(): Promise<string> {
  await world.untilRows(
    `SELECT EXISTS (SELECT 1 FROM syncline.collections WHERE kind = 'gmail' AND lease_until > now())
        AND (SELECT count(*) FROM syncline.gmail_messages) > 20 AS begun`,
    [{ begun: true }],
    120_000,
  );
  const [collection] = await world.rows<{ holder: string }>(
    `SELECT lease_holder AS holder FROM syncline.collections WHERE kind = 'gmail'`,
  );
  return collection!.holder;
}

async function urlOf(api: ReturnType<FleetWorld['start']>): Promise<string> {
  const line = await lineOf(api, (text) => text.includes('"event":"listening"'));
  return (JSON.parse(line) as { url: string }).url;
}
