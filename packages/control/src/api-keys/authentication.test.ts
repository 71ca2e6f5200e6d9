import { createRuntime } from '@syncline/runtime';
import type { ApiKeys } from '@syncline/store';
import { openKeyCheck } from './authentication.js';
import { keyIdOf, newKey } from './key.js';

type Stored = Awaited<ReturnType<ApiKeys['find']>>;

function keysWith(stored: Map<string, Stored>) {
  const asked: string[] = [];
  const noted: string[][] = [];
  let nowMs = 0;
  const rt = createRuntime({
    service: 'test',
    logLevel: 'silent',
    clock: { now: () => new Date(nowMs), nowMs: () => nowMs, sleep: async () => undefined },
  });
  const check = openKeyCheck(rt, {
    store: {
      apiKeys: {
        find: async (id) => {
          asked.push(id);
          return stored.get(id) ?? null;
        },
        noteUse: async (ids) => void noted.push([...ids]),
      },
    },
  });
  return { check, asked, noted, pass: (ms: number) => void (nowMs += ms) };
}

const rowOf = ({ id, hash }: { id: string; hash: Buffer }, more: object = {}): Stored => ({
  id,
  hash,
  tenant: 'acme',
  scopes: ['accounts:read'],
  expiresAt: null,
  isLive: true,
  ...more,
});

test('a key is read from the database every 5 s, and its use written every minute', async () => {
  const made = newKey();
  const stored = new Map([[made.id, rowOf(made)]]);
  const { check, asked, noted, pass } = keysWith(stored);
  for (let i = 0; i < 5; i++) {
    expect(await check.check(made.key)).toMatchObject({
      kind: 'known',
      caller: { tenant: 'acme' },
    });
    pass(999);
  }
  expect([asked.length, noted]).toEqual([1, [[made.id]]]);
  stored.set(made.id, rowOf(made, { isLive: false }));
  pass(5);
  expect(await check.check(made.key)).toEqual({ kind: 'refused', why: 'revoked-or-expired' });
  stored.set(made.id, rowOf(made));
  pass(56_000);
  await check.check(made.key);
  expect(noted).toHaveLength(2);
});

test('an unknown id is read once in 5 s, a malformed key never', async () => {
  const { check, asked } = keysWith(new Map());
  const { key } = newKey();
  for (let i = 0; i < 3; i++)
    expect(await check.check(key)).toEqual({ kind: 'refused', why: 'unknown' });
  expect(asked).toHaveLength(1);
  for (const text of [
    '',
    'synk_',
    `${key}x`,
    key.replace('synk', 'SYNK'),
    `${key.slice(0, 30)}${key[30] === 'a' ? 'b' : 'a'}${key.slice(31)}`,
  ])
    expect(await check.check(text)).toEqual({ kind: 'refused', why: 'malformed' });
  expect(asked).toHaveLength(1);
});

test('a key with the id of another one is refused', async () => {
  const [one, other] = [newKey(), newKey()];
  const { check } = keysWith(new Map([[one.id, rowOf({ ...one, hash: other.hash })]]));
  expect(await check.check(one.key)).toEqual({ kind: 'refused', why: 'wrong-secret' });
});

test('a key that expires while it is cached is refused at once', async () => {
  const made = newKey();
  const { check, pass } = keysWith(
    new Map([[made.id, rowOf(made, { expiresAt: new Date(1_000) })]]),
  );
  expect(await check.check(made.key)).toMatchObject({ kind: 'known' });
  pass(1_000);
  expect(await check.check(made.key)).toMatchObject({ kind: 'refused' });
});

test('every new key has its own id, and any changed character is noticed', () => {
  const keys = Array.from({ length: 200 }, newKey);
  expect(new Set(keys.map(({ id }) => id)).size).toBe(200);
  for (const { key, id } of keys) {
    expect(keyIdOf(key)).toBe(id);
    const at = 5 + (id.charCodeAt(0) % 61);
    const changed = `${key.slice(0, at)}${key[at] === 'Z' ? 'z' : 'Z'}${key.slice(at + 1)}`;
    expect(keyIdOf(changed)).toBeNull();
  }
});
