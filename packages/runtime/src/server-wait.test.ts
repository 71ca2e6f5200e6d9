import { must } from './assert.js';
import { OperatorError, ServerUnavailable } from './errors.js';
import { parseRedisUrl } from './redis/address.js';
import { RedisUnreachable, redisProblemOf, refusalOf } from './redis/refusal.js';
import { createRuntime, type Runtime } from './runtime.js';
import { waitForServers } from './server-wait.js';

const away = (reason: string): ServerUnavailable =>
  new ServerUnavailable(`Postgres cannot be used: ${reason}`, 'Postgres at db:5432', reason);

/** Returns a runtime whose time advances only while it sleeps. */
function waiting(serverWaitMs: number): { rt: Runtime; warned: string[]; elapsedMs: () => number } {
  let nowMs = 0;
  const real = createRuntime({ service: 'test', logLevel: 'silent', serverWaitMs });
  const warned: string[] = [];
  jest.spyOn(real.log, 'warn').mockImplementation((fields: unknown) => {
    warned.push((fields as { reason: string }).reason);
  });
  const clock = {
    ...real.clock,
    nowMs: () => nowMs,
    sleep: (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    },
  };
  return { rt: { ...real, clock }, warned, elapsedMs: () => nowMs };
}

test('tries again until the server serves, and logs each reason once', async () => {
  const { rt, warned } = waiting(60_000);
  const reasons = ['57P03', '57P03', 'ECONNRESET', '57P03'];
  const work = (): Promise<string> => {
    const reason = reasons.shift();
    return reason === undefined ? Promise.resolve('answered') : Promise.reject(away(reason));
  };
  await expect(waitForServers(rt, work)).resolves.toBe('answered');
  expect(warned).toEqual(['57P03', 'ECONNRESET']);
});

test('gives up with the last sentence when the time is over', async () => {
  const { rt, elapsedMs } = waiting(60_000);
  let attempts = 0;
  const work = (): Promise<never> => Promise.reject(away(`attempt ${++attempts}`));
  await expect(waitForServers(rt, work)).rejects.toThrow(/^Postgres cannot be used: attempt \d\d$/);
  expect(elapsedMs()).toBe(60_000);
  expect(attempts).toBeLessThan(40);
});

test('does not wait for errors that a person has to correct, nor without a time limit', async () => {
  const { rt, warned } = waiting(60_000);
  const refused = new OperatorError('it refused the password');
  await expect(waitForServers(rt, () => Promise.reject(refused))).rejects.toBe(refused);
  const none = waiting(0);
  const gone = away('57P01');
  await expect(waitForServers(none.rt, () => Promise.reject(gone))).rejects.toBe(gone);
  expect([...warned, ...none.warned]).toEqual([]);
});

test('gives up after the same sum of pauses when the clock is set back', async () => {
  const { rt } = waiting(60_000);
  const pauses: number[] = [];
  const clock = {
    ...rt.clock,
    nowMs: () => -1_000 * pauses.length,
    sleep: (ms: number) => Promise.resolve(void pauses.push(ms)),
  };
  const work = (): Promise<never> => Promise.reject(away('57P03'));
  await expect(waitForServers({ ...rt, clock }, work)).rejects.toThrow('57P03');
  expect(pauses.reduce((sum, pauseMs) => sum + pauseMs, 0)).toBe(60_000);
});

test('ends at once when draining begins, also during an attempt', async () => {
  const draining = new AbortController();
  const rt = createRuntime({
    service: 'test',
    logLevel: 'silent',
    serverWaitMs: 60_000,
    signal: draining.signal,
  });
  const never = waitForServers(rt, () => new Promise<never>(() => undefined));
  const paused = waitForServers(rt, () => Promise.reject(away('57P01')));
  const reason = new Error('draining');
  setImmediate(() => draining.abort(reason));
  await expect(never).rejects.toBe(reason);
  await expect(paused).rejects.toBe(reason);
});

test('awaits an attempt that ends by itself when draining begins', async () => {
  const draining = new AbortController();
  const rt = createRuntime({
    service: 'test',
    logLevel: 'silent',
    serverWaitMs: 60_000,
    signal: draining.signal,
  });
  const nothingKept = new OperatorError('nothing was kept');
  const work = (): Promise<never> =>
    new Promise((_, reject) =>
      draining.signal.addEventListener('abort', () => reject(nothingKept)),
    );
  const interrupted = waitForServers(rt, work, [], 'await');
  draining.abort(new Error('draining'));
  await expect(interrupted).rejects.toBe(nothingKept);
});

test.each([
  ['Connection is closed.', true],
  ['Command timed out', true],
  ['LOADING Redis is loading the dataset in memory', true],
  ['MASTERDOWN Link with MASTER is down', true],
  ['CLUSTERDOWN The cluster is down', true],
  ['BUSY Redis is busy running a script', true],
  ['All sentinels are unreachable and retry is disabled.', true],
  ['ERR max number of clients reached', true],
  ['WRONGPASS invalid username-password pair', false],
  ['NOAUTH Authentication required.', false],
  ['NOPERM this user has no permissions', false],
  ['OOM command not allowed', false],
  ['ERR unknown command', false],
  ['DENIED Redis is running in protected mode', false],
])('Redis that says "%s" is away: %p', (message, isAway) => {
  const redisUrl = 'redis://:hunter2@cache:6379';
  const problem = redisProblemOf(new Error(message), { redisUrl });
  expect(problem instanceof RedisUnreachable).toBe(isAway);
  const refusal = refusalOf(new Error(message), must(parseRedisUrl(redisUrl), 'it is one'));
  expect(refusal instanceof RedisUnreachable).toBe(isAway);
  expect(problem?.message ?? '').not.toContain('hunter2');
});
