import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestRedis, startRedis } from '../../../test/support/redis-server.js';
import { type FleetBench, openBench, until } from '../test-support/fleet-bench.js';
import { openFleet } from './fleet.js';
import { holdersIn } from './holders.js';
import { QUEUE_NAMES } from './queues.js';

/** A Redis for this file only, with persistence, because the tests flush and restart it. */
const directory = mkdtempSync(join(tmpdir(), 'syncline-holders-'));
const ARGS = ['--dir', directory, '--appendonly', 'yes', '--appendfsync', 'always'];
const SUPPORT = join(__dirname, '../test-support');
const children: ChildProcess[] = [];
let redis: TestRedis;
let bench: FleetBench;

beforeAll(async () => void (redis = await startRedis(ARGS)));
afterAll(async () => {
  await redis.stop();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(async () => void (bench = await openBench(redis.url, 'bench')));
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await bench.release();
});

const isConnected = async (holder: string): Promise<boolean> =>
  (await bench.fleet.holders())?.connected.has(holder) ?? false;
const clientList = async (): Promise<string> => String(await bench.redis.client('LIST'));
const counts = async (): Promise<Record<string, number>> =>
  (await bench.fleet.counts())['gmail-full'];

describe('connected processes', () => {
  test('a killed worker is detected, and another gets its job long before its lock lapses', async () => {
    await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
    const victim = await fetchingChild('victim');
    expect(await isConnected('victim')).toBe(true);
    await bench.fleet.enqueue([{ collectionId: 'c2', queue: 'gmail-full' }]);
    const killedAtMs = bench.rt.clock.nowMs();
    victim.kill('SIGKILL');
    await until(bench.rt, async () => !(await isConnected('victim')));
    expect((await bench.fleet.holders())?.announced).toEqual(['victim']);
    const held = await bench.fleet.heldJobs();
    expect(held).toMatchObject([{ holder: 'victim', queue: 'gmail-full', collectionId: 'c1' }]);
    expect(await held[0]?.giveBack()).toBe(true);
    expect(await held[0]?.giveBack()).toBe(false);
    await bench.fleet.removeHolders(['victim']);
    expect((await bench.fleet.holders())?.announced).toEqual([]);
    const taken: string[] = [];
    await bench.work(async ({ collectionId }) => {
      taken.push(collectionId);
      return { kind: 'done' };
    });
    await until(bench.rt, async () => (await counts())['completed'] === 2);
    // The jobs return to the head of their queue.
    expect(taken).toEqual(['c1', 'c2']);
    expect(bench.rt.clock.nowMs() - killedAtMs).toBeLessThan(4_000);
    expect(await counts()).toMatchObject({ failed: 0, active: 0, waiting: 0 });
  });

  test('a stopped worker counts as connected', async () => {
    await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
    const child = await fetchingChild('sleeper');
    child.kill('SIGSTOP');
    await until(bench.rt, async () => (await clientList()).includes(':w:sleeper'));
    expect(await isConnected('sleeper')).toBe(true);
  });

  test('a worker whose connections were cut reconnects with its name and its job', async () => {
    await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
    await fetchingChild('cut');
    const connections = (await clientList()).split('\n').filter((line) => line.includes(':w:cut '));
    // The producer's connection, the shared one, and a blocking one for each queue.
    expect(connections).toHaveLength(2 + QUEUE_NAMES.length);
    const ids = connections.map((line) => /^id=(\d+)/.exec(line)?.[1] ?? '');
    await Promise.all(ids.map((id) => bench.redis.call('CLIENT', 'KILL', 'ID', id)));
    await until(bench.rt, () => isConnected('cut'));
    expect(await bench.fleet.heldJobs()).toMatchObject([{ holder: 'cut', collectionId: 'c1' }]);
  });

  test('a job taken from a running worker is done by another and does not fail, and its first result is ignored', async () => {
    const [begun, stopped, again] = [new AbortController(), new AbortController(), [] as string[]];
    await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
    const first = await bench.work(async () => {
      begun.abort();
      if (!stopped.signal.aborted) await once(stopped.signal, 'abort');
      return { kind: 'done' };
    });
    if (!begun.signal.aborted) await once(begun.signal, 'abort');
    const other = await openFleet(bench.rt, {
      redisUrl: redis.url,
      redisPrefix: bench.prefix,
      deployment: null,
      holder: 'other',
    });
    const [job] = await bench.fleet.heldJobs();
    expect(await job?.giveBack()).toBe(true);
    const concurrency = {
      'gmail-full': 1,
      'gmail-incremental': 1,
      'calendar-full': 1,
      'calendar-incremental': 1,
      'contacts-full': 1,
      'contacts-incremental': 1,
      watch: 1,
    };
    const host = await other.work({
      concurrency,
      handle: async ({ collectionId }) => {
        again.push(collectionId);
        stopped.abort();
        await first.drain(5_000);
        return { kind: 'done' };
      },
    });
    await until(bench.rt, async () => (await counts())['completed'] === 1);
    await host.drain(5_000);
    await other.close();
    expect(again).toEqual(['c1']);
    expect(await counts()).toMatchObject({
      completed: 1,
      failed: 0,
      active: 0,
      waiting: 0,
      delayed: 0,
    });
  });

  test('reports nothing where Redis lacks CLIENT LIST', async () => {
    const silent = await startRedis(['--rename-command', 'CLIENT', '']);
    const fleet = await openFleet(bench.rt, {
      redisUrl: silent.url,
      redisPrefix: bench.prefix,
      deployment: null,
    });
    expect(await fleet.holders()).toBeNull();
    await fleet.close();
    await silent.stop();
  });

  test('reports nothing where the list has no names', async () => {
    await bench.redis.call('ACL', 'SETUSER', 'tenant', 'on', '>pw', '~*', '&*', '+@all');
    const url = new URL(redis.url);
    [url.username, url.password] = ['tenant', 'pw'];
    const unnamed = await openFleet(bench.rt, {
      redisUrl: url.href,
      redisPrefix: bench.prefix,
      deployment: null,
    });
    expect(await unnamed.holders()).not.toBeNull();
    await bench.redis.call('ACL', 'SETUSER', 'tenant', '-client|setname');
    await bench.redis.call('CLIENT', 'KILL', 'USER', 'tenant');
    await until(bench.rt, () =>
      unnamed.ping().then(
        () => true,
        () => false,
      ),
    );
    expect(await unnamed.holders()).toBeNull();
    await unnamed.close();
  });

  test('reads holders from the list as BullMQ and we write them, and none of another prefix', () => {
    const line = (name: string): string =>
      `id=7 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=8 name=${name} age=1 idle=0 flags=N`;
    const list = [
      'syncline:{gmail-full}:Z21haWwtZnVsbA==:w:12-ab',
      'syncline:producer@0123abcd:w:12-ab',
      'syncline:producer@0123abcd',
      'syncline:{gmail-full}:Z21haWwtZnVsbA==',
      '',
      'syncline:worker@0123abcd:w:13-cd',
      'syncline-demo:worker@4567cdef:w:14-ef',
    ];
    const names = list.map(line).join('\n') + '\n';
    expect(holdersIn(names, 'syncline')).toEqual(new Set(['12-ab', '13-cd']));
  });
});

describe('the memory of Redis', () => {
  test('it stays the same until all data is lost, and all processes see the new one', async () => {
    const first = await bench.fleet.dataId();
    expect(first.isNew).toBe(true);
    expect(await bench.fleet.dataId()).toEqual({ id: first.id, isNew: false });
    const other = await openFleet(bench.rt, {
      redisUrl: redis.url,
      redisPrefix: bench.prefix,
      deployment: null,
    });
    expect(await other.dataId()).toEqual({ id: first.id, isNew: false });
    await bench.redis.flushall();
    // When several processes check at once, each learns that the marker was lost, and all agree on
    // the new one.
    const [second, third] = await Promise.all([other.dataId(), bench.fleet.dataId()]);
    expect([second.isNew, third.isNew]).toContain(true);
    expect(second.id).toBe(third.id);
    expect(second.id).not.toBe(first.id);
    expect(await bench.fleet.dataId()).toEqual({ id: second.id, isNew: false });
    await other.close();
  });

  test('a reconnect finds the same memory; a restarted server has another one, whatever its file kept', async () => {
    const { id } = await bench.fleet.dataId();
    await bench.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(bench.rt, () =>
      bench.fleet.ping().then(
        () => true,
        () => false,
      ),
    );
    expect(await bench.fleet.dataId()).toEqual({ id, isNew: false });

    await redis.stop();
    redis = await startRedis(ARGS, redis.port);
    await until(bench.rt, () =>
      bench.fleet.ping().then(
        () => true,
        () => false,
      ),
    );
    const after = await bench.fleet.dataId();
    expect(after.isNew).toBe(false);
    expect(after.id).not.toBe(id);
    expect(after.id.split('/')[0]).toBe(id.split('/')[0]);
    expect(await bench.fleet.dataId()).toEqual(after);
  });
});

/** Starts a process that fetches a job and never finishes it. */
async function fetchingChild(holder: string): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [
      '-r',
      join(SUPPORT, 'register-typescript.cjs'),
      join(SUPPORT, 'worker-child.ts'),
      redis.url,
      bench.prefix,
      holder,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  for await (const line of createInterface({ input: child.stdout }))
    if (line.startsWith('fetched')) return child;
  const [code] = (await once(child, 'exit')) as [number | null];
  throw new Error(`the child ended with ${code}`);
}
