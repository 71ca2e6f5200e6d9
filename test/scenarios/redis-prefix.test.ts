import { exited, lineOf, startProgram } from '../support/processes.js';
import {
  ROOMY,
  SMALL,
  expectMirrored,
  importAll,
  keysOf,
  withClient,
} from '../support/redis-fleet.js';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';

/* Deployments that share a Redis: real processes, each deployment with a database and a Google of its own. */

let redis: TestRedis;
const worlds: FleetWorld[] = [];

beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
  await redis.stop();
});

async function deployment(seed: number, prefix: string): Promise<FleetWorld> {
  const world = await startFleetWorld(
    { ...SMALL, seed },
    { url: redis.url, env: { ...ROOMY, REDIS_PREFIX: prefix } },
  );
  worlds.push(world);
  return world;
}

test('two deployments with different prefixes mirror side by side, with no key outside the prefixes', async () => {
  const pair = [await deployment(61, 'one'), await deployment(62, 'two')];
  await Promise.all(
    pair.map(async (world) => {
      await importAll(world);
      world.start('scheduler');
      world.start('worker');
      await expectMirrored(world);
    }),
  );
  const keys = await keysOf(redis.url);
  expect(keys.filter((key) => !/^(one|two):/.test(key))).toEqual([]);
  for (const prefix of ['one', 'two'])
    expect(keys).toEqual(
      expect.arrayContaining([
        `${prefix}:deployment`,
        `${prefix}:{gmail-full}:gmail-full:meta`,
        `${prefix}:{quota:default}:birth`,
      ]),
    );
}, 180_000);

test('a second deployment with the same prefix is refused by every program, in one sentence that names REDIS_PREFIX', async () => {
  const [first, second] = [await deployment(63, 'shared'), await deployment(64, 'shared')];
  const [scheduler, worker] = [first.start('scheduler'), first.start('worker')];
  await Promise.all([scheduler, worker].map((program) => lineOf(program, isReady)));
  for (const program of ['scheduler', 'worker', 'api'] as const)
    expectRefused(await exited(second.start(program)));
  const [account] = await second.control.accounts();
  expectRefused(await second.import([account!]));

  // Redis loses everything while the first one lives: it is still the first one's.
  await withClient(redis.url, (client) => client.flushall());
  expectRefused(await exited(second.start('worker')));
  await untilKept('shared:deployment');
  expectRefused(await exited(second.start('worker')));
  expect([scheduler.exitCode, worker.exitCode]).toEqual([null, null]);
}, 60_000);

test('a fleet whose prefix another deployment has taken ends with exit code 1 and the reason', async () => {
  const world = await deployment(65, 'taken');
  const fleet = [world.start('scheduler'), world.start('worker'), world.start('api')];
  await Promise.all(fleet.map((program) => lineOf(program, isReady)));
  const ends = fleet.map((program) => exited(program));
  await withClient(redis.url, (client) =>
    client.set('taken:deployment', '00000000-0000-4000-8000-000000000000'),
  );
  const codes = await Promise.all(ends);
  expect(codes.map(({ code }) => code)).toEqual([1, 1, 1]);
  for (const program of fleet) {
    expect(program.output.join('')).toMatch(/prefix_taken.*REDIS_PREFIX/);
  }
}, 60_000);

test('an invalid prefix is refused by name', async () => {
  const world = await deployment(66, 'a:b');
  const refused = await exited(startProgram('scheduler', world.env));
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain('REDIS_PREFIX must be 1 to 64 letters');
}, 60_000);

function isReady(line: string): boolean {
  return line.includes('"event":"ready"');
}

function expectRefused({ code, stderr }: { code: number | null; stderr: string }): void {
  expect(stderr).toMatch(
    /^Redis at 127\.0\.0\.1:\d+ serves another deployment under the prefix "shared": .*Set REDIS_PREFIX/m,
  );
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(code).toBe(1);
}

async function untilKept(key: string): Promise<void> {
  await withClient(redis.url, async (client) => {
    for (const deadline = performance.now() + 20_000; performance.now() < deadline;) {
      if ((await client.exists(key)) === 1) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${key} was not written again`);
  });
}
