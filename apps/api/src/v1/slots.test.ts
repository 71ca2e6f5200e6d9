import { openSlots } from './slots.js';

const LIMITS = { perProcess: 3, perKey: 2, bytes: 100, waitMs: 20, waiting: 2 };

test('slots are bounded for the process and for a key, and a freed one is given to the next', async () => {
  const slots = openSlots({ ...LIMITS, waitMs: 5_000 });
  const [one, two] = [await slots.take('a', 1), await slots.take('a', 1)];
  const third = slots.take('a', 1);
  const other = await slots.take('b', 1);
  const fourth = slots.take('b', 1);
  expect([one, two, other].every((release) => release !== null)).toBe(true);
  // The key of the first that waits has its share already, the other key has not.
  other!();
  const forOther = await fourth;
  expect(forOther).not.toBeNull();
  one!();
  expect(await third).not.toBeNull();
  // Giving a slot back twice frees it once.
  one!();
  const late = slots.take('c', 1);
  two!();
  expect(await late).not.toBeNull();
});

test('a wait has an end, and so has the number of those that wait', async () => {
  const slots = openSlots(LIMITS);
  for (let i = 0; i < 2; i++) await slots.take('a', 1);
  const waiting = [slots.take('a', 1), slots.take('a', 1)];
  expect(await slots.take('a', 1)).toBeNull();
  expect(await Promise.all(waiting)).toEqual([null, null]);
});

test('the bytes in memory are bounded, and something larger is alone', async () => {
  const slots = openSlots(LIMITS);
  const large = await slots.take('a', 1_000);
  expect(large).not.toBeNull();
  expect(await slots.take('b', 1)).toBeNull();
  large!();
  const most = await slots.take('a', 100);
  expect(most).not.toBeNull();
  expect(await slots.take('b', 1)).toBeNull();
});
