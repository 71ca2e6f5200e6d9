import type { Redis } from 'ioredis';
import { lineOf, type Started } from '../support/processes.js';
import { importAll, ROOMY, SMALL, withClient } from '../support/redis-fleet.js';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { freePort, startRedis, type TestRedis } from '../support/redis-server.js';

/*
 * A Redis that begins to refuse the running fleet: the processes stay alive, say so once and in
 * /readyz, do not retry in a busy loop, and continue by themselves when it is over.
 */

let redis: TestRedis;
let world: FleetWorld;
let port: number;
let programs: Started[];

beforeAll(async () => {
  redis = await startRedis(['--enable-protected-configs', 'yes']);
  world = await startFleetWorld({ ...SMALL, seed: 82 }, { url: redis.url, env: ROOMY });
  port = await freePort();
  world.env['METRICS_PORT'] = String(port);
  const worker = world.start('worker');
  delete world.env['METRICS_PORT'];
  programs = [worker, world.start('scheduler')];
  for (const program of programs) await lineOf(program, (line) => line.includes('"event":"ready"'));
  await importAll(world);
  await isMirrored();
}, 120_000);
afterAll(async () => {
  await world.close();
  await redis.stop();
});

async function isMirrored(): Promise<void> {
  const { email } = (await world.control.accounts())[0]!;
  const messages = (await world.control.truth(email, 'gmail')).length;
  await world.untilRows(
    'SELECT count(*)::int AS messages FROM syncline.gmail_messages',
    [{ messages }],
    90_000,
  );
}

async function readiness(): Promise<{ status: number; missing?: string[] }> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
  return { ...((await answer.json()) as object), status: answer.status };
}

async function becomes(status: number): Promise<{ missing?: string[] }> {
  for (const deadline = performance.now() + 60_000; ;) {
    const found = await readiness();
    if (found.status === status) return found;
    if (performance.now() > deadline) throw new Error(`/readyz: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const refusedCalls = async (admin: Redis): Promise<number> =>
  Number(/errorstat_(?:MISCONF|NOAUTH):count=(\d+)/.exec(await admin.info('errorstats'))?.[1] ?? 0);

const linesOf = (program: Started): number => program.output.join('').split('\n').length;

const FAILED_WRITES = {
  begin: async (admin: Redis): Promise<void> => {
    await admin.config('SET', 'dir', '/proc');
    await admin.config('SET', 'save', '3600 1');
    await admin.bgsave();
    while (!(await admin.info('persistence')).includes('rdb_last_bgsave_status:err'))
      await new Promise((resolve) => setTimeout(resolve, 50));
  },
  end: async (admin: Redis): Promise<void> => {
    await admin.config('SET', 'save', '');
  },
};

const CHANGED_PASSWORD = {
  begin: async (admin: Redis): Promise<void> => {
    await admin.config('SET', 'requirepass', 'another');
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  },
  end: async (admin: Redis): Promise<void> => {
    await admin.config('SET', 'requirepass', '');
  },
};

const LONG_MS = 15_000;

test.each([
  ['cannot persist and refuses writes (MISCONF)', FAILED_WRITES],
  ['gets a password, which the fleet does not have (NOAUTH)', CHANGED_PASSWORD],
])(
  'a fleet whose Redis %s stays alive, calm and named, and continues when it is over',
  async (_, { begin, end }) => {
    await withClient(redis.url, async (admin) => {
      await admin.ping();
      const lines = programs.map(linesOf);
      await begin(admin);
      expect((await becomes(503)).missing).toContain('redis');
      const before = await refusedCalls(admin);
      const { email } = (await world.control.accounts())[0]!;
      await world.control.actAs(email, { action: 'deliver', subject: 'meanwhile' });
      await new Promise((resolve) => setTimeout(resolve, LONG_MS));
      expect(programs.map(({ exitCode }) => exitCode)).toEqual([null, null]);
      expect(((await refusedCalls(admin)) - before) / (LONG_MS / 1_000)).toBeLessThan(50);
      for (const [i, program] of programs.entries())
        expect(linesOf(program) - lines[i]!).toBeLessThan(60);
      await end(admin);
      await becomes(200);
    });
    await isMirrored();
    expect(programs.map(({ exitCode }) => exitCode)).toEqual([null, null]);
  },
  120_000,
);
