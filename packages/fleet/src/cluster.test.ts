import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestCluster, startCluster } from '../../../test/support/redis-cluster.js';
import { type FleetBench, openBench, until } from '../test-support/fleet-bench.js';
import { QUEUE_NAMES } from './queues.js';

/** Three masters, each with a replica. The last test kills one master. */
let cluster: TestCluster;
let bench: FleetBench;
const SUPPORT = join(__dirname, '../test-support');

beforeAll(async () => void (cluster = await startCluster(3, 1)), 60_000);
afterAll(() => cluster.stop());
beforeEach(async () => void (bench = await openBench(cluster.url, 'bench')));
afterEach(() => bench.release());

test('detects a killed worker by its connections to every master, and gives its job to another', async () => {
  await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
  const child = spawn(
    process.execPath,
    [
      '-r',
      join(SUPPORT, 'register-typescript.cjs'),
      join(SUPPORT, 'worker-child.ts'),
      cluster.url,
      bench.prefix,
      'victim',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    for await (const line of createInterface({ input: child.stdout }))
      if (line.startsWith('fetched')) break;
    expect((await bench.fleet.holders())?.connected).toContain('victim');
  } finally {
    child.kill('SIGKILL');
  }
  await once(child, 'exit');
  await until(
    bench.rt,
    async () => (await bench.fleet.holders())?.connected.has('victim') === false,
  );
  const { announced, forMs } = (await bench.fleet.holders())!;
  expect(announced).toEqual(['victim']);
  expect(forMs).toBeGreaterThan(0);
  const held = await bench.fleet.heldJobs();
  expect(held).toMatchObject([{ holder: 'victim', queue: 'gmail-full', collectionId: 'c1' }]);
  expect(await held[0]?.giveBack()).toBe(true);
  const taken: string[] = [];
  await bench.work(async ({ collectionId }) => {
    taken.push(collectionId);
    return { kind: 'done' };
  });
  await until(bench.rt, async () => taken.includes('c1'));
}, 60_000);

test('runs jobs of every queue before and after the master of one has failed, and detects possible data loss', async () => {
  const done: string[] = [];
  await bench.work(async ({ collectionId }) => {
    done.push(collectionId);
    return { kind: 'done' };
  });
  const enqueue = (round: number): Promise<void> =>
    bench.fleet.enqueue(QUEUE_NAMES.map((queue) => ({ collectionId: `${round}-${queue}`, queue })));
  const all = (round: number): string[] => QUEUE_NAMES.map((queue) => `${round}-${queue}`);
  const isDone = async (round: number): Promise<boolean> =>
    all(round).every((id) => done.includes(id));
  await enqueue(1);
  await until(bench.rt, () => isDone(1));
  const before = await bench.fleet.dataId();
  expect(await bench.fleet.dataId()).toEqual({ id: before.id, isNew: false });

  await cluster.killMasterOf(`${bench.prefix}:{gmail-full}:gmail-full:wait`);
  await until(bench.rt, () =>
    enqueue(2).then(
      () => true,
      () => false,
    ),
  );
  await until(bench.rt, () => isDone(2));
  expect((await bench.fleet.dataId()).id).not.toBe(before.id);
}, 120_000);
