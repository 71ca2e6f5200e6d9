import fc from 'fast-check';
import {
  PAGE_LIMIT,
  planFetch,
  THREAD_LIMIT,
  type FetchPlan,
  type ListedThread,
  type PendingItem,
} from './plan.js';

const NEW = { message: 20, thread: 40 };

const item = (ordinal: number, threadId: string | null, attempts = 0): PendingItem => ({
  id: `m${ordinal}`,
  ordinal: BigInt(ordinal),
  attempts,
  waitMs: 0,
  threadId,
});

function threadsOf(items: readonly PendingItem[], size?: number): ListedThread[] {
  const ids = [...new Set(items.flatMap((one) => one.threadId ?? []))];
  return ids.map((threadId) => {
    const pending = items
      .filter((one) => one.threadId === threadId && one.attempts === 0)
      .map((one) => one.id);
    return { threadId, pending, size: Math.max(pending.length, size ?? 0) };
  });
}

const unitsOf = (plan: FetchPlan, prices: typeof NEW): number =>
  plan.messages.length * prices.message + plan.threads.length * prices.thread;
const idsOf = (plan: FetchPlan): string[] => [
  ...plan.messages,
  ...plan.threads.flatMap((thread) => thread.pending),
];

test('three pending messages of a thread are fetched with it, two are not', () => {
  const items = [
    item(1, 'a'),
    item(2, 'b'),
    item(3, 'a'),
    item(4, 'b'),
    item(5, 'a'),
    item(6, null),
  ];
  const plan = planFetch(items, threadsOf(items), NEW);
  expect(plan).toMatchObject({
    items,
    messages: ['m2', 'm4', 'm6'],
    threads: [{ id: 'a', pending: ['m1', 'm3', 'm5'] }],
  });
  expect(planFetch(items, threadsOf(items), { message: 5, thread: 16 }).threads).toEqual([]);
});

test('messages that are planned for later are fetched with the thread of a planned one', () => {
  const plan = planFetch(
    [item(1, 'a')],
    [{ threadId: 'a', size: 3, pending: ['m1', 'm70', 'm900'] }],
    NEW,
  );
  expect(plan).toMatchObject({
    messages: [],
    threads: [{ id: 'a', pending: ['m1', 'm70', 'm900'] }],
  });
});

test('a message that was asked for before is asked for by itself', () => {
  const items = [item(1, 'a'), item(2, 'a'), item(3, 'a'), item(4, 'a', 1)];
  expect(planFetch(items, threadsOf(items), NEW)).toMatchObject({
    messages: ['m4'],
    threads: [{ pending: ['m1', 'm2', 'm3'] }],
  });
});

test('a thread beyond the limit is fetched message by message, even when little of it is pending', () => {
  const items = [item(1, 'a'), item(2, 'a'), item(3, 'a')];
  expect(planFetch(items, threadsOf(items, THREAD_LIMIT), NEW).threads).toHaveLength(1);
  expect(planFetch(items, threadsOf(items, THREAD_LIMIT + 1), NEW)).toMatchObject({
    messages: ['m1', 'm2', 'm3'],
    threads: [],
  });
});

test('whatever the mailbox: never dearer than single gets, every item once, and no page without bounds', () => {
  const mailbox = fc.array(
    fc.record({
      thread: fc.option(fc.integer({ min: 0, max: 6 })),
      attempts: fc.constantFrom(0, 0, 0, 1),
    }),
    { minLength: 1, maxLength: 160 },
  );
  const prices = fc.record({
    message: fc.integer({ min: 1, max: 30 }),
    thread: fc.integer({ min: 1, max: 90 }),
  });
  fc.assert(
    fc.property(mailbox, prices, fc.integer({ min: 1, max: 60 }), (mails, price, given) => {
      const all = mails.map((mail, i) =>
        item(i + 1, mail.thread === null ? null : `t${mail.thread}`, mail.attempts),
      );
      const plan = planFetch(all.slice(0, given), threadsOf(all), price);
      const ids = idsOf(plan);
      expect(unitsOf(plan, price)).toBeLessThanOrEqual(ids.length * price.message);
      expect(new Set(ids).size).toBe(ids.length);
      expect(plan.items).toEqual(all.slice(0, plan.items.length));
      expect(plan.items.length).toBeGreaterThan(0);
      for (const one of plan.items) expect(ids).toContain(one.id);
      const expected =
        plan.messages.length + plan.threads.reduce((sum, thread) => sum + thread.size, 0);
      expect(expected).toBeLessThanOrEqual(Math.max(PAGE_LIMIT, THREAD_LIMIT));
    }),
    { numRuns: 500 },
  );
});
