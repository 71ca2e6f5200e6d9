import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Simulator, startSimulator } from '@syncline/simulator';
import pg from 'pg';
import { serverUrl } from '../support/database.js';
import { assembleImage, type ImageTree } from '../support/image-tree.js';
import {
  exited,
  endProcess,
  lineOf,
  startNode,
  type Started,
  stopAll,
} from '../support/processes.js';
import { ROOMY, SMALL } from '../support/redis-fleet.js';
import { freePort, startRedis, type TestRedis } from '../support/redis-server.js';

/*
 * Every program, started from what the image holds: as a user who owns nothing, on a tree that
 * nobody can write, without a shell or npm to be found, against an empty database.
 *
 * @needs root
 */

const NOBODY = { uid: 65_534, gid: 65_534, cwd: '/' };

let tree: ImageTree;
let simulator: Simulator;
let redis: TestRedis;
let folder: string;
let env: Record<string, string>;
const database = `image_${randomBytes(4).toString('hex')}`;

beforeAll(async () => {
  tree = assembleImage();
  tree.makeReadOnly();
  folder = mkdtempSync(path.join(tmpdir(), 'syncline-image-import-'));
  chmodSync(folder, 0o755);
  [simulator, redis] = await Promise.all([startSimulator(SMALL), startRedis()]);
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  env = {
    ...ROOMY,
    PATH: '/nonexistent',
    HOME: '/nonexistent',
    NODE_ENV: 'production',
    DATABASE_URL: url.href,
    REDIS_URL: redis.url,
    GOOGLE_API_URL: simulator.url,
    SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
    WORKER_CONCURRENCY: '4',
    PORT: String(await freePort()),
  };
});
afterAll(async () => {
  await stopAll();
  await Promise.all([redis.stop(), simulator.close()]);
  const admin = new pg.Client({ connectionString: serverUrl() });
  await admin.connect();
  await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  await admin.end();
  tree.remove();
  rmSync(folder, { recursive: true, force: true });
});

test("the image's programs mirror an account as an unprivileged user on a read-only tree", async () => {
  const before = tree.files();
  await succeeds('migrate');
  const file = path.join(folder, 'accounts.ndjson');
  writeFileSync(
    file,
    simulator
      .accounts()
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  );
  const fleet = (['scheduler', 'worker', 'api'] as const).map((name) => start(name));
  for (const one of fleet) await lineOf(one, (line) => line.includes('"event":"ready"'));
  await succeeds('accounts', 'import', file);
  const { email } = simulator.accounts()[0]!;
  await succeeds('wait', '--timeout', '120');
  await succeeds('verify', email);
  const { stdout } = await succeeds('export', email, '--resource', 'gmail');
  expect(stdout.trim().split('\n')).toHaveLength(SMALL.messagesPerAccount);
  expect((await fetch(`http://127.0.0.1:${env['PORT']}/readyz`)).status).toBe(200);
  for (const one of fleet) expect(await endProcess(one)).toMatchObject({ code: 0 });
  expect(tree.files()).toEqual(before);
});

function start(name: 'scheduler' | 'worker' | 'api' | 'cli', ...args: string[]): Started {
  return startNode([path.join(tree.root, `apps/${name}/dist/main.js`), ...args], env, NOBODY);
}

async function succeeds(...args: string[]): Promise<{ stdout: string }> {
  const { code, stdout, stderr } = await exited(start('cli', ...args));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  return { stdout };
}
