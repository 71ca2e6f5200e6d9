import { execFileSync } from 'node:child_process';
import { openBench, type Bench } from '../test-support/bench-google.js';
import { openSharedTokens, type Reseal, type SharedTokens } from './shared-tokens.js';

let bench: Bench;
let opened: SharedTokens[] = [];
beforeAll(async () => {
  bench = await openBench();
});
beforeEach(() => bench.fresh());
afterEach(() => {
  for (const tokens of opened) tokens.close();
  opened = [];
});
afterAll(() => bench.stop());

const keyOf = (accountId: string): string =>
  `${bench.prefix}:{account:${accountId}}:default:access-token`;
const settings = (redisUrl = bench.redis.url) => ({
  redisUrl,
  redisPrefix: bench.prefix,
  deployment: null,
});
async function open(reseal: Reseal): Promise<SharedTokens> {
  const tokens = await openSharedTokens(bench.rt, settings(), reseal);
  opened.push(tokens);
  return tokens;
}
const places = (...accounts: string[]) =>
  accounts.map((accountId) => ({ accountId, project: 'default' }));

test('shared access tokens are sealed again with their expiry, and those that do not open are deleted', async () => {
  for (const id of ['a', 'b', 'c'])
    await bench.redis.client.set(keyOf(id), `old ${id}`, 'PX', 60_000);
  const seen: string[] = [];
  const tokens = await open((accountId, sealed) => {
    seen.push(`${accountId}: ${sealed}`);
    if (accountId === 'b') return null;
    return accountId === 'c' ? sealed : sealed.replace('old', 'new');
  });
  expect(await tokens.reseal(places('a', 'b', 'c', 'd'))).toBe(2);
  expect(seen.sort()).toEqual(['a: old a', 'b: old b', 'c: old c']);
  const kept = await Promise.all(
    ['a', 'b', 'c', 'd'].map((id) => bench.redis.client.get(keyOf(id))),
  );
  expect(kept).toEqual(['new a', null, 'old c', null]);
  const livesMs = await bench.redis.client.pttl(keyOf('a'));
  expect(livesMs).toBeGreaterThan(30_000);
  expect(livesMs).toBeLessThanOrEqual(60_000);
});

/** Runs in another process, because the callback is synchronous. */
const RENEW = `
const { Redis } = require('ioredis');
const redis = new Redis(process.argv[1]);
redis.set(process.argv[2], 'renewed').then(() => redis.quit());`;

test('keeps a token that another process renews meanwhile', async () => {
  await bench.redis.client.set(keyOf('a'), 'old', 'PX', 60_000);
  const tokens = await open(() => {
    execFileSync(process.execPath, ['-e', RENEW, bench.redis.url, keyOf('a')]);
    return 'resealed, too late';
  });
  expect(await tokens.reseal(places('a'))).toBe(0);
  expect(await bench.redis.client.get(keyOf('a'))).toBe('renewed');
});

test('reports a Redis that does not answer in one sentence', async () => {
  await expect(
    openSharedTokens(bench.rt, settings('redis://127.0.0.1:1'), () => null),
  ).rejects.toThrow(/^Redis does not answer: .*run the command again\.$/s);
});
