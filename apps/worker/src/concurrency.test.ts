import { JOBS, SYNC_QUEUES } from '@syncline/fleet';
import fc from 'fast-check';
import { splitConcurrency } from './concurrency.js';

const SHARING = SYNC_QUEUES.filter((name) => 'share' in JOBS[name].slots);

test('sixteen slots: half of them are for incremental syncs, and Gmail has more than Calendar', () => {
  expect(splitConcurrency(16)).toEqual({
    'gmail-full': 5,
    'gmail-incremental': 5,
    'calendar-full': 3,
    'calendar-incremental': 3,
    'contacts-full': 2,
    'contacts-incremental': 2,
    watch: 2,
  });
});

test('whatever the total, it is spent to the last slot and every queue has one of its own', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 5_000 }), (total) => {
      const slots = SHARING.map((name) => splitConcurrency(total)[name]);
      expect(slots.reduce((sum, one) => sum + one, 0)).toBe(total);
      expect(Math.min(...slots)).toBeGreaterThanOrEqual(1);
    }),
  );
});

test('a total below four counts as four: BullMQ knows no worker without a slot', () => {
  for (const total of [0, 1, 2, 3])
    expect(SHARING.map((name) => splitConcurrency(total)[name])).toEqual([1, 1, 1, 1]);
});

test('queues of contacts have an eighth in addition, and at least one slot each', () => {
  for (const [total, slots] of [
    [0, 1],
    [8, 1],
    [16, 2],
    [100, 12],
  ] as const)
    expect(splitConcurrency(total)).toMatchObject({
      'contacts-full': slots,
      'contacts-incremental': slots,
    });
});
