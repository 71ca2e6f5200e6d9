import { storeFixture, redisUrl, type StoreFixture } from '../support/database.js';
import {
  endProcess,
  exited,
  lineOf,
  startProgram,
  stopAll,
  type Started,
} from '../support/processes.js';

/* The API as an operator runs it. */

let fixture: StoreFixture;
let api: Started;
let origin: string;
let env: Record<string, string>;

beforeAll(async () => {
  fixture = await storeFixture();
  env = {
    DATABASE_URL: fixture.database.url,
    REDIS_URL: redisUrl(),
    SYNCLINE_MASTER_KEY: fixture.masterKey.toString('base64'),
    PORT: '0',
  };
  api = startProgram('api', env);
  const line = await lineOf(api, (text) => text.includes('"listening"'));
  origin = (JSON.parse(line) as { url: string }).url;
});
afterAll(async () => {
  await stopAll();
  await fixture.close();
});

async function get(path: string, key?: string): Promise<Response> {
  return fetch(
    `${origin}${path}`,
    key === undefined ? {} : { headers: { Authorization: `Bearer ${key}` } },
  );
}

test('without any key the API answers 401, and documents itself', async () => {
  expect((await get('/v1/accounts')).status).toBe(401);
  expect(await (await get('/openapi.json')).json()).toMatchObject({ openapi: '3.1.0' });
  expect((await get('/docs')).status).toBe(200);
  expect((await get('/docs/page.js')).status).toBe(200);
});

test('a key that the CLI makes is accepted, and logged nowhere', async () => {
  const made = await exited(
    startProgram('cli', env, [
      'keys',
      'create',
      '--name',
      'test',
      '--scopes',
      'accounts:read,accounts:write,ops:read',
    ]),
  );
  expect(made.code).toBe(0);
  const { key } = JSON.parse(/^\{.*\}$/m.exec(made.stdout)?.[0] ?? '') as { key: string };
  const listed = await get('/v1/accounts', key);
  expect(await listed.json()).toMatchObject({ data: [{ id: fixture.accountId }], next: null });
  expect(listed.headers.get('ratelimit-policy')).toBe('"default";q=6000;w=60');
  expect((await get(`/v1/accounts?key=${key}`, key)).status).toBe(400);
  expect((await get('/v1/quota', key)).status).toBe(200);
  expect(api.output.join('')).not.toContain(key.slice(16));
});

test('at SIGTERM a waiting request is answered, and the process ends with 0', async () => {
  const made = await exited(
    startProgram('cli', env, ['keys', 'create', '--name', 'w', '--scopes', 'accounts:write']),
  );
  const { key } = JSON.parse(/^\{.*\}$/m.exec(made.stdout)?.[0] ?? '') as { key: string };
  const waiting = fetch(`${origin}/v1/accounts/${fixture.accountId}/sync?wait=25s`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}` },
  });
  for (;;) {
    const { rows } = await fixture.database.pool.query(
      'SELECT FROM syncline.collections WHERE requested_at IS NOT NULL',
    );
    if (rows.length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [answer, exit] = await Promise.all([waiting, endProcess(api)]);
  expect([answer.status, exit.code]).toEqual([202, 0]);
});
