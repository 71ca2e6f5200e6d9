import { SCOPES, type Scope } from '@syncline/contract/scopes';
import { startApi, type ApiWorld } from '../support/api-world.js';

/* Keys that are made, replaced and revoked by other keys. */

let world: ApiWorld;

beforeAll(async () => {
  world = await startApi();
});
afterAll(() => world.close());

interface Made {
  id: string;
  key: string;
  expiresAt: string | null;
}

async function make(
  key: string,
  body: object,
  headers?: Record<string, string>,
): Promise<{ status: number; json: Made; text: string }> {
  const { status, json, text } = await world.send('POST', '/v1/api-keys', { key, body, headers });
  return { status, json: json as Made, text };
}

function rotate(key: string, id: string, overlapSeconds: number): ReturnType<ApiWorld['send']> {
  return world.send('POST', `/v1/api-keys/${id}/rotate`, { key, body: { overlapSeconds } });
}

function idOf(key: string): string {
  return key.slice(5, 15);
}

async function isAccepted(key: string): Promise<boolean> {
  return (await world.send('GET', '/v1/operations/op_x', { key })).status !== 401;
}

/** The longest time that an API may accept a key that has ended. */
async function isRefusedInTime(key: string): Promise<void> {
  const sinceMs = performance.now();
  while (await isAccepted(key)) expect(performance.now() - sinceMs).toBeLessThan(5_500);
}

test('a key makes a key with some of its rights, which is shown once', async () => {
  const admin = await world.key({ tenant: 'acme' });
  const { status, json: made } = await make(admin, { name: 'reader', scopes: ['feed:read'] });
  expect([status, made]).toEqual([
    201,
    expect.objectContaining({
      name: 'reader',
      tenant: 'acme',
      scopes: ['feed:read'],
      createdBy: idOf(admin),
      lastUsedAt: null,
    }),
  ]);
  expect(await isAccepted(made.key)).toBe(true);
  const listed = await world.send('GET', '/v1/api-keys', { key: admin });
  expect(listed.text).not.toContain(made.key.slice(16));
  const { data } = listed.json as { data: { id: string; lastUsedAt: string | null }[] };
  expect(data.map(({ id }) => id)).toEqual([made.id, idOf(admin)]);
  const other = await world.send('GET', '/v1/api-keys', {
    key: await world.key({ tenant: 'globex' }),
  });
  expect(other.text).not.toContain(made.id);
});

test('the use of a key is written at most once a minute', async () => {
  const key = await world.key();
  const { pool } = world.database;
  const used = async (): Promise<Date | null> =>
    (await pool.query('SELECT last_used_at FROM syncline.api_keys WHERE id = $1', [idOf(key)]))
      .rows[0].last_used_at;
  await isAccepted(key);
  while ((await used()) === null);
  const first = await used();
  await world.store.apiKeys.noteUse([idOf(key)]);
  expect(await used()).toEqual(first);
  await pool.query("UPDATE syncline.api_keys SET last_used_at = now() - interval '61 s'");
  await world.store.apiKeys.noteUse([idOf(key)]);
  expect((await used())!.getTime()).toBeGreaterThanOrEqual(first!.getTime());
});

test('S5: a key gives no scope, tenant or end that it does not have', async () => {
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  const maker = await world.key({
    tenant: 'acme',
    scopes: ['keys:write', 'feed:read'],
    expiresInMs: 3_600_000,
  });
  for (const more of [
    { scopes: ['feed:read', 'ops:read'] },
    { tenant: 'globex' },
    { tenant: null },
    { expiresAt: null },
    { expiresAt: new Date(Date.now() + 7_200_000).toISOString() },
  ]) {
    const { status, text } = await make(maker, { name: 'x', scopes: ['feed:read'], ...more });
    expect([more, status, text.includes('exceeds-own-rights')]).toEqual([more, 403, true]);
  }
  const { json: made } = await make(maker, { name: 'x', scopes: ['keys:write'] });
  expect(Date.parse(made.expiresAt!)).toBeLessThanOrEqual(Date.parse(inAnHour) + 1_000);
  // By another key, in two steps, too.
  expect((await make(made.key, { name: 'y', scopes: ['feed:read'] })).status).toBe(403);
  expect((await rotate(made.key, idOf(await world.key({ tenant: 'acme' })), 0)).status).toBe(403);
  expect((await rotate(made.key, idOf(await world.key()), 0)).status).toBe(404);
});

test('S5: a rotated key and its successor are both accepted during the overlap', async () => {
  const admin = await world.key();
  const key = await world.key({ tenant: 'acme', scopes: ['feed:read'] });
  const rotated = await rotate(admin, idOf(key), 604_800);
  const next = rotated.json as Made;
  expect([rotated.status, rotated.headers.get('cache-control')]).toEqual([201, 'no-store']);
  expect([await isAccepted(key), await isAccepted(next.key)]).toEqual([true, true]);
  expect((await rotate(admin, idOf(key), 0)).status).toBe(409);
  expect((await rotate(admin, next.id, 604_801)).status).toBe(400);
  const last = await rotate(admin, next.id, 0);
  expect(last.status).toBe(201);
  await isRefusedInTime(next.key);
  expect(await isAccepted((last.json as Made).key)).toBe(true);
});

test('S5: a revoked key is refused within 5 s, and revoking it again changes nothing', async () => {
  const admin = await world.key({ tenant: 'acme' });
  const key = await world.key({ tenant: 'acme' });
  expect(await isAccepted(key)).toBe(true);
  const revoke = (by: string): ReturnType<ApiWorld['send']> =>
    world.send('DELETE', `/v1/api-keys/${idOf(key)}`, { key: by });
  expect((await revoke(await world.key({ tenant: 'globex' }))).status).toBe(404);
  const first = await revoke(admin);
  await isRefusedInTime(key);
  expect((await revoke(admin)).json).toEqual(first.json);
  expect((await rotate(admin, idOf(key), 0)).status).toBe(409);
});

test('a tenant has 100 keys, of which each may be replaced', async () => {
  const admin = await world.key({ tenant: 'full' });
  const body = { name: 'one of many', scopes: ['feed:read'] satisfies Scope[] };
  let last: Made | null = null;
  for (let keys = 1; keys < 100; keys += 3) {
    const made = await Promise.all([1, 2, 3].map(() => make(admin, body)));
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201]);
    last = made[2]!.json;
  }
  const beyond = await make(admin, body);
  expect([beyond.status, beyond.text.includes('too-many-keys')]).toEqual([409, true]);
  expect((await rotate(admin, last!.id, 60)).status).toBe(201);
  expect((await make(admin, body)).status).toBe(409);
  await world.send('DELETE', `/v1/api-keys/${last!.id}`, { key: admin });
  expect((await make(admin, body)).status).toBe(409);
  const paged: string[] = [];
  for (let next: string | null = ''; next !== null;) {
    const cursor: string = next === '' ? '' : `&cursor=${next}`;
    const page = await world.send('GET', `/v1/api-keys?limit=40${cursor}`, { key: admin });
    const list = page.json as { data: { id: string }[]; next: string | null };
    paged.push(...list.data.map(({ id }) => id));
    next = list.next;
  }
  expect([paged.length, new Set(paged).size]).toEqual([101, 101]);
});

test('a repeated request with an idempotency key gets the same key, which is stored sealed', async () => {
  const admin = await world.key();
  const body = { name: 'once', scopes: [...SCOPES] };
  const headers = { 'Idempotency-Key': 'make-one' };
  const [first, again] = [await make(admin, body, headers), await make(admin, body, headers)];
  expect([again.status, again.text]).toEqual([201, first.text]);
  const { rows } = await world.database.pool.query<{ answer: string; status: number }>(
    "SELECT answer, status FROM syncline.idempotent_requests WHERE key = 'make-one'",
  );
  const plain = Buffer.from(rows[0]!.answer, 'base64').toString('latin1');
  for (const text of [rows[0]!.answer, plain]) {
    expect(text).not.toContain('synk_');
    expect(text).not.toContain('once');
  }
  await world.database.pool.query(
    "UPDATE syncline.idempotent_requests SET answer = (SELECT answer FROM syncline.idempotent_requests WHERE key = 'make-one'), key = 'of-another' WHERE key = 'make-one'",
  );
  const moved = await make(admin, body, { 'Idempotency-Key': 'of-another' });
  expect([moved.status, moved.text.includes('synk_')]).toEqual([500, false]);
});
