import { GoogleError, type GoogleErrorKind } from '@syncline/google';
import type { PendingItem } from './plan.js';
import type { StepContext } from '../../step.js';
import { fetchNamed, fetchStep } from './fetch.js';
import { MIRROR_EVERYTHING } from '../../mirror-policy.js';

/* The result of each item of a page, with made-up responses of Google and a made-up list. */

const CURSOR = { phase: 'full', step: 'fetch', from: '7', listed: 9, fetched: 0 } as const;
const item = (ordinal: number, threadId: string | null = null): PendingItem => ({
  id: `m${ordinal}`,
  ordinal: BigInt(ordinal),
  attempts: 0,
  waitMs: 0,
  threadId,
});
const message = (id: string): object => ({ id, threadId: 't', historyId: '1' });
const error = (detail: GoogleErrorKind): GoogleError =>
  new GoogleError('gmail.users.messages.get', detail);

const DEAD = error({ kind: 'unauthorized', reason: 'invalid_grant' });
const FULL = error({
  kind: 'rate-limited',
  scope: 'user',
  retryAfterMs: 9_000,
  source: 'governor',
});
const OUTAGE = error({ kind: 'unavailable', retryAfterMs: null });
const REJECTED = error({ kind: 'rejected', status: 400, reason: 'invalidArgument' });

function contextOf(
  items: PendingItem[],
  answer: {
    failed?: Record<string, GoogleError>;
    missing?: string[];
    /** Earlier tries that count, by id. */
    tries?: Record<string, number>;
    threads?: { id: string; pending: string[]; answered: string[] }[];
  },
): StepContext {
  const failed = answer.failed ?? {};
  const gmail = {
    prices: { message: 20, thread: 40 },
    getMessages: async (ids: string[]) => ({
      messages: ids.filter((id) => !failed[id] && !answer.missing?.includes(id)).map(message),
      missing: answer.missing ?? [],
      failed: ids.flatMap((id) => (failed[id] ? [{ id, error: failed[id] }] : [])),
    }),
    getThreads: async () => ({
      threads: (answer.threads ?? []).map(({ id, answered }) => ({
        id,
        messages: answered.map(message),
      })),
      missing: [],
      failed: [],
    }),
  };
  const itemQueries = {
    nextPending: async () => items,
    threads: async () =>
      (answer.threads ?? []).map(({ id, pending }) => ({
        threadId: id,
        size: pending.length,
        pending,
      })),
  };
  const rt = {
    random: { next: () => 0.5 },
    log: { warn: () => undefined },
    eventLoop: { yieldToOthers: () => Promise.resolve() },
  };
  return {
    rt,
    store: {
      items: itemQueries,
      quarantine: {
        failed: async () =>
          new Map(
            Object.entries(answer.tries ?? {}).map(([id, tries]) => [
              id,
              { tries, isQuarantined: false },
            ]),
          ),
        quarantinedLately: async () => ({ items: 0, progressDone: 0, fullSyncAgeMs: null }),
      },
    },
    google: { gmail },
    lease: { failures: 0, hasFailingItems: false },
    policy: {},
    generation: 1,
    mirror: MIRROR_EVERYTHING,
    window: { fromMs: 0, goalMs: null },
    prefetched: null,
    hasTime: () => false,
  } as unknown as StepContext;
}

const stored = (step: Awaited<ReturnType<typeof fetchStep>>): unknown =>
  step.commit?.delta.kind === 'gmail' && step.commit.delta.messages.map((row) => row.id);

test.each([
  ['a grant that is refused', DEAD],
  ['quota that ends', FULL],
])(
  '%s in the middle of a page sets nothing aside and passes nothing that is not stored',
  async (_, refusal) => {
    const step = await fetchStep(
      contextOf([item(1), item(2), item(3), item(4)], { failed: { m2: refusal, m4: refusal } }),
      CURSOR,
    );
    expect(step.commit?.cursor).toMatchObject({ step: 'fetch', fetched: 1, listed: 9 });
    expect(step.commit?.items).toMatchObject({
      fetchLater: [],
      quarantined: [],
      takenEarly: ['m3'],
    });
    expect(stored(step)).toEqual(['m1', 'm3']);
  },
);

test('a message that fails while later ones come is passed and tried again; those that fail at the end of the page stay where they are', async () => {
  const step = await fetchStep(
    contextOf([item(1), item(2), item(3), item(4)], {
      failed: { m1: OUTAGE, m3: OUTAGE, m4: OUTAGE },
    }),
    CURSOR,
  );
  expect(step.commit?.cursor).toMatchObject({ fetched: 2, listed: 9 });
  expect(step.commit?.items).toMatchObject({
    fetchLater: [],
    failing: [{ id: 'm1', tries: 1, retryInMs: 5_000 }],
    quarantined: [],
    takenEarly: [],
  });
  expect(step.end).toMatchObject({ kind: 'snoozed', counts: true });
});

test("a page of which no item was returned fails the run as the collection's error", async () => {
  const all = { m1: OUTAGE, m2: OUTAGE };
  await expect(fetchStep(contextOf([item(1), item(2)], { failed: all }), CURSOR)).rejects.toBe(
    OUTAGE,
  );
});

test.each([
  ['rejected', REJECTED],
  ['a transient error', OUTAGE],
])(
  'a grant that is refused when another message is asked for ends the run (the message: %s)',
  async (_, failure) => {
    const context = contextOf([item(1)], { failed: { m1: failure } });
    const { gmail } = context.google;
    const { getMessages } = gmail;
    gmail.getMessages = async (ids) => {
      if (ids.includes('stored')) throw DEAD;
      return getMessages(ids);
    };
    Object.assign(context.store.quarantine, { knownMessage: async () => 'stored' });
    Object.assign(context.lease, { failures: 2 });
    await expect(fetchStep(context, CURSOR)).rejects.toBe(DEAD);
  },
);

test('a rejected message, and one that Google does not find, are tried again while others are returned', async () => {
  const step = await fetchStep(
    contextOf([item(1), { ...item(2), attempts: 2 }, item(3)], {
      failed: { m1: REJECTED },
      missing: ['m2'],
    }),
    CURSOR,
  );
  expect(step.commit?.items).toMatchObject({
    dropped: [],
    failing: [
      { id: 'm1', tries: 1, reason: expect.stringContaining('invalidArgument') },
      { id: 'm2', tries: 1, missingTries: 1 },
    ],
    quarantined: [],
  });
  expect(step.commit?.cursor).toMatchObject({ fetched: 3 });
});

test('a precondition that fails now and then is asked for again before the message is quarantined', async () => {
  const failing = error({ kind: 'rejected', status: 400, reason: 'failedPrecondition' });
  const step = await fetchStep(
    contextOf([item(1), item(2), item(3), item(4)], {
      failed: { m1: failing, m2: failing, m3: failing },
      tries: { m2: 4, m3: 5 },
    }),
    CURSOR,
  );
  expect(step.commit?.items).toMatchObject({
    failing: [
      { id: 'm1', tries: 1, retryInMs: 5_000 },
      { id: 'm2', tries: 5, retryInMs: 50_000 },
    ],
    quarantined: [{ id: 'm3', cause: 'not-read' }],
  });
  expect(step.commit?.cursor).toMatchObject({ fetched: 4, listed: 9 });
});

test('what a thread was asked for and did not bring is not passed over by the prefetched page', async () => {
  const threads = [{ id: 't', pending: ['m1', 'm2', 'm7', 'm8'], answered: ['m1', 'm2', 'm7'] }];
  const context = contextOf([item(1, 't'), item(2, 't')], { threads });
  const excepted: (readonly string[])[] = [];
  const { nextPending } = context.store.items;
  context.store.items.nextPending = async (lease, generation, q) => (
    excepted.push(q.except),
    nextPending(lease, generation, q)
  );
  context.hasTime = () => true;
  await fetchStep(context, CURSOR);
  await context.prefetched?.page;
  expect(excepted).toEqual([[], ['m7']]);
});

test('what a thread brings early is not fetched again, and what it does not name is asked for alone', async () => {
  const threads = [
    { id: 't', pending: ['m1', 'm2', 'm7', 'm8'], answered: ['m1', 'm7', 'stranger'] },
  ];
  const step = await fetchStep(contextOf([item(1, 't'), item(2, 't')], { threads }), CURSOR);
  expect(stored(step)).toEqual(['m1', 'm7']);
  expect(step.commit?.items).toMatchObject({
    fetchLater: [{ id: 'm2', ordinal: 10n, delayMs: 0 }],
    takenEarly: ['m7'],
    dropped: [],
    quarantined: [],
  });
});

const INCREMENTAL = {
  phase: 'incremental',
  after: '7',
  listing: null,
  listed: 0,
  fetched: 0,
  labelsReadAtMs: 0,
} as const;

test('messages that history names and Google returns need no list; those that fail go to it, in order, and says when it is to be asked for again', async () => {
  const all = await fetchNamed(contextOf([], {}), INCREMENTAL, ['m1', 'm2']);
  expect(all).toMatchObject({ left: [], gone: [], quarantined: [], end: {} });
  expect(all?.messages.map(({ id }) => id)).toEqual(['m1', 'm2']);
  const some = await fetchNamed(
    contextOf([], { missing: ['m1'], failed: { m2: FULL, m4: FULL, m5: OUTAGE } }),
    INCREMENTAL,
    ['m1', 'm2', 'm3', 'm4', 'm5'],
  );
  expect(some?.messages.map(({ id }) => id)).toEqual(['m3']);
  // m1 was requested once already; of the items that quota stopped, none was requested.
  expect(some?.left).toEqual([
    { id: 'm2', delayMs: 0, attempts: 1 },
    { id: 'm4', delayMs: 0, attempts: 1 },
    { id: 'm5', delayMs: 0, attempts: 1 },
    { id: 'm1', delayMs: 2_000, attempts: 2 },
  ]);
  expect(some?.end).toMatchObject({ end: { kind: 'snoozed', reason: expect.any(String) } });
});

test('more than a page, sources, a run in crash isolation, and an answer that is one refusal go by the list', async () => {
  const context = contextOf([], {});
  const many = Array.from({ length: 41 }, (_, i) => `m${i}`);
  expect(await fetchNamed(context, INCREMENTAL, many)).toBeNull();
  expect(
    await fetchNamed({ ...context, mirror: { ...MIRROR_EVERYTHING, bodies: 'raw' } }, INCREMENTAL, [
      'm1',
    ]),
  ).toBeNull();
  expect(
    await fetchNamed({ ...context, crashIsolation: { passed: 0 } }, INCREMENTAL, ['m1']),
  ).toBeNull();
  const refusing = {
    ...context,
    google: { gmail: { getMessages: () => Promise.reject(DEAD) } },
  } as unknown as StepContext;
  expect(await fetchNamed(refusing, INCREMENTAL, ['m1'])).toBeNull();
  const broken = {
    ...context,
    google: { gmail: { getMessages: () => Promise.reject(new TypeError('a bug')) } },
  } as unknown as StepContext;
  await expect(fetchNamed(broken, INCREMENTAL, ['m1'])).rejects.toThrow('a bug');
});

test('a page is parsed in pieces of four messages, and what one change brings in one piece', async () => {
  const yieldsOf = async (count: number): Promise<number> => {
    const context = contextOf(
      Array.from({ length: count }, (_, i) => item(i + 1)),
      {},
    );
    const yieldToOthers = jest.spyOn(context.rt.eventLoop, 'yieldToOthers');
    expect(stored(await fetchStep(context, { ...CURSOR, listed: 40 }))).toHaveLength(count);
    return yieldToOthers.mock.calls.length;
  };
  expect([await yieldsOf(4), await yieldsOf(5), await yieldsOf(40)]).toEqual([0, 1, 9]);
});
