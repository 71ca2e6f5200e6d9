import type { LogRange } from '@syncline/store';
import { openFeedTail } from './feed-stream.js';

const closing = new AbortController();
const SIGNAL = closing.signal;
afterAll(() => closing.abort());

/** A tail whose seconds pass when the test says so, over a log that the test fills. */
function tailOf(end = 10n) {
  const log = { epoch: 1, end, ranges: [] as LogRange[], isAway: false };
  const asked: bigint[] = [];
  let pass = (): void => undefined;
  let hint = (): void => undefined;
  const clock = {
    now: () => new Date(0),
    nowMs: () => 0,
    sleep: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        pass = resolve;
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
      }),
  };
  const feedLog = {
    ranges: async (_tenant: string | null, after: bigint) => {
      asked.push(after);
      if (log.isAway) throw new Error('Postgres is away');
      return {
        state: { epoch: log.epoch, end: log.end, start: 0n, oldest: 1n },
        ranges: log.ranges.filter(({ position }) => position > after),
      };
    },
  };
  const hints = {
    listen: (on: { distributed?: () => void }) => void (hint = on.distributed ?? hint),
  };
  return {
    tail: openFeedTail({ clock }, { store: { feedLog }, hints }),
    log,
    asked,
    add: (tenant: string, position: bigint): void => {
      log.end = position;
      log.ranges.push({ position, tenant, account: 'a', fromSeq: position, toSeq: position });
    },
    second: async (): Promise<void> => {
      pass();
      await afterAnswers();
    },
    hint: async (): Promise<void> => {
      hint();
      await afterAnswers();
    },
  };
}

const afterAnswers = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const LONG = { withinMs: 60_000, signal: SIGNAL };

test('one read a second serves all readers, and wakes those whose tenant has an event', async () => {
  const { tail, add, asked, second } = tailOf();
  const from = { epoch: 1, position: 10n };
  const woken: string[] = [];
  for (const tenant of ['acme', 'globex', null])
    void tail.moved(tenant, from, LONG).then(({ isMoved }) => woken.push(`${tenant} ${isMoved}`));
  await second();
  expect([woken, asked]).toEqual([[], [10n]]);
  add('acme', 11n);
  await second();
  expect(woken.sort()).toEqual(['acme true', 'null true']);
  expect(asked).toEqual([10n, 10n]);
});

test('a hint brings the read forward', async () => {
  const { tail, add, hint } = tailOf();
  const moved = tail.moved('acme', { epoch: 1, position: 10n }, LONG);
  add('acme', 11n);
  await hint();
  expect(await moved).toMatchObject({ isMoved: true });
});

test('a reader without an event learns up to where there is none', async () => {
  const { tail, add, second } = tailOf();
  const idle = tail.moved('acme', { epoch: 1, position: 10n }, { withinMs: 30, signal: SIGNAL });
  add('globex', 15n);
  await second();
  expect(await idle).toEqual({ isMoved: false, place: { epoch: 1, position: 15n } });
});

test('a reader that comes behind what was read, or of another epoch, reads at once', async () => {
  const { tail, second } = tailOf();
  const first = tail.moved('acme', { epoch: 1, position: 10n }, { withinMs: 50, signal: SIGNAL });
  await second();
  for (const from of [
    { epoch: 1, position: 9n },
    { epoch: 2, position: 10n },
  ])
    expect(await tail.moved('acme', from, LONG)).toEqual({ isMoved: true, place: from });
  await first;
});

test('without an answer, and when the epoch changes, everybody reads', async () => {
  const { tail, log, second } = tailOf();
  const from = { epoch: 1, position: 10n };
  const meeting = tail.moved('acme', from, LONG);
  log.isAway = true;
  await second();
  expect(await meeting).toMatchObject({ isMoved: true });
  log.isAway = false;
  log.epoch = 2;
  const changed = tail.moved('acme', from, LONG);
  await second();
  expect(await changed).toMatchObject({ isMoved: true });
});

test('nothing is read while nobody waits, and an aborted reader stops waiting', async () => {
  const { tail, asked, second } = tailOf();
  const leaving = new AbortController();
  const o = { withinMs: 60_000, signal: leaving.signal };
  const moved = tail.moved(null, { epoch: 1, position: 10n }, o);
  leaving.abort();
  await moved;
  await second();
  await second();
  expect(asked).toEqual([]);
});
