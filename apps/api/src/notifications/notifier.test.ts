import { type Clock, createRuntime, type Runtime } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import { type Notifier, openNotifier } from './notifier.js';
import { openTtlSet } from './ttl-set.js';

type Notifications = Store['notifications'];
type Notified = NonNullable<Awaited<ReturnType<Notifications['notifyChannel']>>>;

const NOTIFIED: Notified = {
  collectionId: 'c1',
  accountId: 'a1',
  tenant: 'acme',
  kind: 'gmail',
  ready: true,
};
let nowMs: number;
let queries: string[];
let jobs: string[];
let hasty: boolean[];
let gate: Promise<void>;
let notifier: Notifier;
let answers: Notified | null;
let redisIsAway: boolean;

const clock: Clock = {
  now: () => new Date(nowMs),
  nowMs: () => nowMs,
  sleep: async () => undefined,
};
const runtime = (): Runtime => createRuntime({ service: 'test', logLevel: 'silent', clock });

beforeEach(() => {
  [nowMs, queries, jobs, hasty, gate, answers, redisIsAway] = [
    0,
    [],
    [],
    [],
    Promise.resolve(),
    NOTIFIED,
    false,
  ];
  const asked = async (what: string): Promise<Notified | null> => {
    queries.push(what);
    await gate;
    return answers;
  };
  const notifications: Notifications = {
    notifyMailboxes: async (addresses) =>
      new Map(
        (await asked(addresses.join())) === null
          ? []
          : addresses.map((address) => [address, [NOTIFIED]]),
      ),
    notifyChannel: (id) => asked(id),
    noteSyncMessage: async (id) => (await asked(id)) !== null,
  };
  const enqueue = async (
    items: readonly { collectionId: string; queue: string; first?: boolean }[],
  ): Promise<void> => {
    if (redisIsAway) throw new Error('Connection is closed.');
    jobs.push(...items.map(({ collectionId, queue }) => `${collectionId} ${queue}`));
    hasty.push(...items.map(({ first }) => first === true));
  };
  notifier = openNotifier(runtime(), { store: { notifications }, fleet: { enqueue } });
});

test('a burst that meets a write of its mailbox shares the next one, which begins after the last of it', async () => {
  let release: () => void = () => undefined;
  gate = new Promise((resolve) => (release = resolve));
  const burst = Array.from({ length: 1_000 }, () => notifier.mailboxes(['a@x.example']));
  expect(queries).toEqual(['a@x.example']);
  release();
  expect(new Set((await Promise.all(burst)).flat())).toEqual(new Set(['notified']));
  expect(queries).toEqual(['a@x.example', 'a@x.example']);
});

test('mailboxes that are notified together are one write', async () => {
  expect(await notifier.mailboxes(['a@x.example', 'b@x.example', 'a@x.example'])).toEqual([
    'notified',
    'notified',
    'notified',
  ]);
  expect(queries).toEqual(['a@x.example,b@x.example']);
});

test('what waits for Postgres is bounded: everything beyond it is to be sent again', async () => {
  let release: () => void = () => undefined;
  gate = new Promise((resolve) => (release = resolve));
  const flood = Array.from({ length: 2_100 }, (_, n) =>
    notifier.channel({ channelId: `c${n}`, resourceId: 'r', isSyncMessage: false }),
  );
  release();
  const outcomes = await Promise.all(flood);
  expect(outcomes.filter((outcome) => outcome === 'busy')).toHaveLength(100);
  expect(queries).toHaveLength(2_000);
});

test('a hint that Redis does not take changes nothing for the sender', async () => {
  redisIsAway = true;
  expect(await notifier.mailboxes(['a@x.example'])).toEqual(['notified']);
});

test('a job is enqueued for a collection in phase incremental that waits for no reason, and for nothing else', async () => {
  await notifier.mailboxes(['a@x.example']);
  answers = { ...NOTIFIED, collectionId: 'c2', kind: 'calendar-events' };
  await notifier.channel({ channelId: 'h', resourceId: 'r', isSyncMessage: false });
  answers = { ...answers, ready: false };
  await notifier.channel({ channelId: 'i', resourceId: 'r', isSyncMessage: false });
  await notifier.channel({ channelId: 'j', resourceId: 'r', isSyncMessage: true });
  expect(jobs).toEqual(['c1 gmail-incremental', 'c2 calendar-incremental']);
});

test('the unknown are asked about again after a while', async () => {
  answers = null;
  for (const atMs of [0, 9_999, 10_000]) {
    nowMs = atMs;
    expect(await notifier.mailboxes(['nobody@x.example'])).toEqual(['unknown']);
  }
  expect(queries).toHaveLength(2);
});

test('what is remembered of the unknown is bounded, and the oldest goes first', () => {
  const set = openTtlSet(runtime(), { keepMs: 1_000, limit: 3 });
  for (const key of ['a', 'b', 'c', 'd']) set.add(key);
  expect(['a', 'b', 'c', 'd'].map((key) => set.has(key))).toEqual([false, true, true, true]);
});

test('jobs of notifications go before those of the schedule, a hundred a second at most: in a storm the others queue up', async () => {
  const notify = (from: number, count: number): Promise<unknown> =>
    notifier.mailboxes(Array.from({ length: count }, (_, i) => `m${from + i}@x.example`));
  await notify(0, 99);
  await notify(99, 3);
  expect(hasty.filter(Boolean)).toHaveLength(100);
  expect(hasty.slice(-2)).toEqual([false, false]);
  nowMs += 1_000;
  await notify(102, 1);
  expect(hasty.at(-1)).toBe(true);
});
