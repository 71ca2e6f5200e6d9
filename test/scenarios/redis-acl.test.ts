import { readFileSync } from 'node:fs';
import path from 'node:path';
import { exited } from '../support/processes.js';
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

/* Users with few rights, and servers that do not fit: each is reported in one sentence at start, and the rights of docs/how-to/deployment.md are enough. */

const DOCUMENTED =
  /^ACL (SETUSER syncline .*)$/m.exec(
    readFileSync(path.resolve(__dirname, '../../docs/how-to/deployment.md'), 'utf8'),
  )?.[1] ?? '';

let redis: TestRedis;
let world: FleetWorld;

beforeAll(async () => {
  redis = await startRedis(['--databases', '4']);
  world = await startFleetWorld({ ...SMALL, seed: 81 }, { url: redis.url, env: ROOMY });
});
afterAll(async () => {
  await world.close();
  await redis.stop();
});

async function acl(line: string): Promise<void> {
  await withClient(redis.url, (client) => client.call('ACL', ...line.split(' ')));
}

function as(user: string, rest = ''): string {
  return `${redis.url.replace('redis://', `redis://${user}:PASSWORD@`)}${rest}`;
}

/** What a scheduler says that is started there and refused. */
async function refusal(url: string): Promise<string> {
  world.env['REDIS_URL'] = url;
  const { code, stderr } = await exited(world.start('scheduler'));
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(1);
  return stderr;
}

test('a fleet and the commands work with the rights of docs/how-to/deployment.md and no others', async () => {
  await acl(DOCUMENTED);
  await acl('LOG RESET');
  world.env['REDIS_URL'] = as('syncline');
  await importAll(world);
  for (const program of ['scheduler', 'worker', 'api'] as const) world.start(program);
  await expectMirrored(world);
  expect(await world.cli('quota')).toMatchObject({ code: 0 });
  expect(await withClient(redis.url, (client) => client.call('ACL', 'LOG'))).toEqual([]);
  expect((await keysOf(redis.url)).filter((key) => !key.startsWith('syncline:'))).toEqual([]);
  await world.stopAll();
}, 180_000);

test.each([
  ['INFO', '-info', ['+info']],
  ['CLIENT', '-client', ['+client|list', '+client|setname']],
  ['the blocking fetch', '-bzpopmin', ['+bzpopmin']],
  ['scripts', '-eval -evalsha', ['+eval', '+evalsha']],
  ['a command that only BullMQ runs, in a script', '-xadd', ['+xadd']],
  ['the keys of our prefix', 'resetkeys ~other:*', ['~syncline:*']],
  ['the channels of our prefix', 'resetchannels', ['&syncline:*']],
])('names the right to %s where a user lacks it', async (_, taken, missing) => {
  await acl(DOCUMENTED.replace('SETUSER syncline', 'SETUSER poor'));
  await acl(`SETUSER poor ${taken}`);
  expect(await refusal(as('poor'))).toContain(
    `denies the user poor permissions that Syncline needs. Type: ACL SETUSER poor ${missing.join(' ')}\n`,
  );
  await acl('DELUSER poor');
});

test('the named rights suffice', async () => {
  await acl('SETUSER bare on >PASSWORD resetkeys -@all');
  const advice = /ACL (SETUSER bare .*)/.exec(await refusal(as('bare')))?.[1] ?? '';
  await acl(advice);
  world.env['REDIS_URL'] = as('bare');
  const scheduler = world.start('scheduler');
  const end = exited(scheduler);
  while (!scheduler.output.join('').includes('"event":"ready"')) {
    expect(scheduler.exitCode).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  scheduler.kill('SIGTERM');
  expect((await end).code).toBe(0);
});

test('a database number that the server does not have is refused, and nothing is written to another one', async () => {
  world.env['REDIS_PREFIX'] = 'elsewhere';
  expect(await refusal(`${redis.url}/4`)).toContain('has no database 4');
  delete world.env['REDIS_PREFIX'];
  expect((await keysOf(redis.url)).filter((key) => key.startsWith('elsewhere'))).toEqual([]);
});

test('a database that the user may not select is refused with the missing right', async () => {
  await acl(DOCUMENTED);
  expect(await refusal(as('syncline', '/1'))).toContain('ACL SETUSER syncline +select');
});

test('a wrong password is named as the cause', async () => {
  expect(await refusal(as('syncline').replace('PASSWORD', 'wrong'))).toContain(
    'refuses the credentials of REDIS_URL (WRONGPASS)',
  );
});
