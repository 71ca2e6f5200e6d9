import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { testDatabase, type TestDatabase } from '../support/database.js';
import { childrenOf, commandOf, environmentOf } from '../support/process-table.js';
import {
  exited,
  endProcess,
  lineOf,
  startNode,
  startProgram,
  stopAll,
  type Started,
} from '../support/processes.js';
import { ROOT } from '../support/compose.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';

/* What the programs that `up` and `demo` start find in their environment, as the kernel reports it. */

const CANARY = `canary-${randomBytes(8).toString('hex')}`;
/** An operator's shell holds secrets of other programs. */
const FOREIGN = { AWS_SECRET_ACCESS_KEY: CANARY, GITHUB_TOKEN: CANARY, npm_lifecycle_event: 'up' };
/** How the operator's shell has Node verify certificates. */
const VERIFICATION = {
  NODE_USE_SYSTEM_CA: '1',
  OPENSSL_CONF: '/dev/null',
  OPENSSL_MODULES: '/usr/lib/ossl-modules',
};
const KEY = randomBytes(32).toString('base64');

let database: TestDatabase;
let redis: TestRedis;
beforeAll(async () => {
  [database, redis] = await Promise.all([testDatabase(), startRedis()]);
});
afterAll(async () => {
  await Promise.all([redis.stop(), database.drop()]);
});
afterEach(stopAll);

test('up passes each program the variables that it uses, and none of other programs', async () => {
  const child = startProgram(
    'cli',
    environment({ ...VERIFICATION, GOOGLE_API_URL: 'http://127.0.0.1:9' }),
    ['up', '--workers', '1'],
  );
  await lineOf(child, (line) => line.includes('are running; their logs are in'), 60_000);
  const { scheduler, worker, api } = environmentsOf(child);
  for (const each of [scheduler, worker, api]) {
    expect(each).toMatchObject({
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      MIRROR_BODIES: 'text',
      ...VERIFICATION,
    });
    expect(each).toHaveProperty('SYNCLINE_MASTER_KEY', KEY);
    expect(Object.keys(each!).filter((name) => name in FOREIGN)).toEqual([]);
    expect(Object.values(each!).join('\n')).not.toContain(CANARY);
  }
  for (const each of [worker, api])
    expect(each).toMatchObject({ GOOGLE_CLIENT_SECRET: 'client-secret' });
  expect(scheduler).not.toHaveProperty('GOOGLE_CLIENT_SECRET');
  expect(scheduler).not.toHaveProperty('PORT');
  expect(await endProcess(child)).toEqual({ code: 0, signal: null });
}, 90_000);

test("demo passes the simulator no variable of Syncline, and its fleet none of the operator's Google", async () => {
  const size = '--accounts 1 --messages 1 --calendars 1 --workers 1';
  const child = startProgram('cli', environment({}), ['demo', ...size.split(' ')]);
  await lineOf(child, (line) => line.includes('readyz'), 60_000);
  const { simulator, scheduler, worker, api } = environmentsOf(child);
  // Node adds the channel to the parent.
  const names = Object.keys(simulator!).filter((name) => !name.startsWith('NODE_CHANNEL_'));
  expect(names.sort()).toEqual(['HOME', 'PATH']);
  for (const each of [worker, api]) expect(each).toHaveProperty('GOOGLE_CLIENT_SECRET', 'demo');
  expect(scheduler).not.toHaveProperty('GOOGLE_CLIENT_SECRET');
  for (const each of [scheduler, worker, api])
    expect(Object.values(each!).join('\n')).not.toContain(CANARY);
  expect(await endProcess(child)).toEqual({ code: 0, signal: null });
}, 90_000);

test("the set-up of a checkout passes npm none of Syncline's variables", async () => {
  const checkout = mkdtempSync(path.join(tmpdir(), 'syncline-checkout-'));
  for (const file of ['apps/launch.mjs', 'packages/runtime/file-lock.cjs', 'package.json'])
    cpSync(path.join(ROOT, file), path.join(checkout, file));
  const seen = path.join(checkout, 'seen');
  const npm = path.join(checkout, 'npm');
  writeFileSync(npm, `#!/bin/sh\nenv > ${seen}\nexit 1\n`, { mode: 0o755 });
  const { code, stderr } = await exited(
    startNode([path.join(checkout, 'apps/launch.mjs'), 'migrate'], {
      ...environment({ PGPASSWORD: 'pg-secret', npm_config_registry: 'https://npm.example' }),
      PATH: `${checkout}:${process.env['PATH']}`,
    }),
  );
  expect([code, stderr]).toEqual([1, expect.stringContaining('npm could not install')]);
  const environmentOfNpm = readFileSync(seen, 'utf8');
  rmSync(checkout, { recursive: true });
  expect(environmentOfNpm).toMatch(/^npm_config_registry=https:\/\/npm\.example$/m);
  expect(environmentOfNpm).not.toMatch(/^(SYNCLINE|GOOGLE|DATABASE|REDIS|PG)/m);
}, 30_000);

function environment(more: Record<string, string>): Record<string, string> {
  return {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    SYNCLINE_MASTER_KEY: KEY,
    GOOGLE_CLIENT_ID: 'client-id',
    GOOGLE_CLIENT_SECRET: 'client-secret',
    MIRROR_BODIES: 'text',
    PORT: '0',
    ...FOREIGN,
    ...more,
  };
}

/** By the name of the program. */
function environmentsOf(parent: Started): Partial<Record<string, Record<string, string>>> {
  return Object.fromEntries(
    childrenOf(parent.pid!).map((pid) => [
      path.basename(/(\S+)\/dist\/main\.js/.exec(commandOf(pid))?.[1] ?? ''),
      environmentOf(pid),
    ]),
  );
}
