import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { startApi, type ApiWorld } from '../support/api-world.js';
import { prefixOf, redisUrl } from '../support/database.js';

const run = promisify(execFile);
const CLI = path.resolve(__dirname, '../../apps/cli/dist/main.js');

let world: ApiWorld;

beforeAll(async () => {
  world = await startApi();
});
afterAll(() => world.close());

async function cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = {
    PATH: process.env['PATH'],
    DATABASE_URL: world.database.url,
    REDIS_URL: redisUrl(),
    REDIS_PREFIX: prefixOf(world.database.url),
    SYNCLINE_MASTER_KEY: world.masterKey.toString('base64'),
  };
  return run(process.execPath, [CLI, ...args], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

test('keys create prints a key once, keys list shows it without its secret, and revoke ends it within 5 s', async () => {
  const made = await cli(
    'keys',
    'create',
    '--name',
    'backend',
    '--scopes',
    'accounts:read,ops:read',
    '--tenant',
    'acme',
    '--expires',
    '90d',
    '--json',
  );
  expect(made.code).toBe(0);
  const { id, key } = JSON.parse(made.stdout) as { id: string; key: string };
  expect(key).toMatch(new RegExp(`^synk_${id}_[0-9A-Za-z]{49}$`));
  expect(key.slice(-6)).toBe(base62(crc32(key.slice(0, -6))));
  expect((await world.send('GET', '/v1/accounts', { key })).status).toBe(200);
  expect((await world.send('GET', '/v1/quota', { key })).status).toBe(200);

  const listed = await cli('keys', 'list', '--json');
  expect(JSON.parse(listed.stdout)).toEqual([
    expect.objectContaining({
      id,
      name: 'backend',
      tenant: 'acme',
      scopes: ['accounts:read', 'ops:read'],
      revokedAt: null,
    }),
  ]);
  const secret = key.slice(16);
  expect(listed.stdout).not.toContain(secret);
  const stored = await world.database.pool.query('SELECT t::text FROM syncline.api_keys t');
  expect(JSON.stringify(stored.rows)).not.toContain(secret);

  expect((await cli('keys', 'revoke', id)).code).toBe(0);
  const revokedMs = performance.now();
  while ((await world.send('GET', '/v1/accounts', { key })).status !== 401)
    expect(performance.now() - revokedMs).toBeLessThan(5_500);
  expect(JSON.parse((await cli('keys', 'list', '--json')).stdout)).toEqual([
    expect.objectContaining({ id, revokedAt: expect.any(String), lastUsedAt: expect.any(String) }),
  ]);
});

test('keys rotate makes a successor, and the key ends after the overlap', async () => {
  const made = await cli(
    'keys',
    'create',
    '--name',
    'n',
    '--scopes',
    'ops:read',
    '--expires',
    '9d',
  );
  const { id, key } = JSON.parse(made.stdout) as { id: string; key: string };
  const rotated = await cli('keys', 'rotate', id, '--overlap', '1h');
  expect(rotated.code).toBe(0);
  const next = JSON.parse(rotated.stdout) as { id: string; key: string };
  for (const one of [key, next.key])
    expect((await world.send('GET', '/v1/quota', { key: one })).status).toBe(200);
  const listed = JSON.parse((await cli('keys', 'list', '--json')).stdout) as Listed[];
  const [of, successor] = [id, next.id].map((one) => listed.find((row) => row.id === one)!);
  expect(of).toMatchObject({ successorId: next.id });
  expect(successor).toMatchObject({ name: 'n', scopes: ['ops:read'], successorId: null });
  expect(Date.parse(successor!.expiresAt!) - Date.now()).toBeGreaterThan(8 * 86_400_000);
  expect(Date.parse(of!.expiresAt!) - Date.now()).toBeLessThanOrEqual(3_600_000);
  expect((await cli('keys', 'rotate', id)).stderr).toContain('There is no such key that is live');
  await world.database.pool.query('UPDATE syncline.api_keys SET revoked_at = now()');
});

interface Listed {
  id: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
}

test('a fresh database has no key', async () => {
  const { rows } = await world.database.pool.query(
    'SELECT count(*)::int AS keys FROM syncline.api_keys WHERE revoked_at IS NULL',
  );
  expect(rows).toEqual([{ keys: 0 }]);
});

test.each([
  [['create', '--name', 'x'], 2],
  [['create', '--name', 'x', '--scopes', 'accounts:read,everything'], 2],
  [['create', '--name', 'x', '--scopes', 'accounts:read', '--expires', '90'], 2],
  [['revoke', 'nothing'], 1],
  [['rotate', 'nothing'], 1],
  [['rotate', 'nothing', '--overlap', '8d'], 2],
])('keys %j is refused', async (args, code) => {
  expect((await cli('keys', ...args)).code).toBe(code);
});

function base62(value: number): string {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  let text = '';
  for (let i = 0, rest = value; i < 6; i++, rest = Math.floor(rest / 62))
    text = digits[rest % 62] + text;
  return text;
}
