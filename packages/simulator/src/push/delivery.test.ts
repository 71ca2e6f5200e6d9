import { startClock } from '../clock.js';
import { Ledger } from '../ledger.js';
import { createPrng } from '../prng.js';
import { Delivery, type DeliveryConditions } from './delivery.js';

const macrotask = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 10);
  });

async function sent(
  delivery: Partial<DeliveryConditions>,
  count: number,
): Promise<{ arrived: number[]; later: () => Promise<number[]>; ledger: Ledger }> {
  const clock = startClock(0);
  const ledger = new Ledger(0);
  const sky = new Delivery(clock, createPrng(3), ledger);
  sky.set(delivery);
  const arrived: number[] = [];
  for (let n = 0; n < count; n++)
    sky.post('channel', () => {
      arrived.push(n);
    });
  await macrotask();
  return {
    arrived: [...arrived],
    ledger,
    later: async () => {
      clock.advance(10_000);
      await macrotask();
      return arrived;
    },
  };
}

test('without conditions all messages arrive at once, in order', async () => {
  const { arrived, ledger } = await sent({}, 20);
  expect([arrived, ledger.snapshot().notifications.channel.published]).toEqual([
    Array.from({ length: 20 }, (_, n) => n),
    20,
  ]);
});

test('drops and duplicates about the configured shares, and counts them', async () => {
  const { arrived, ledger } = await sent({ dropPercent: 30, duplicatePercent: 20 }, 1_000);
  const { dropped, duplicated } = ledger.snapshot().notifications.channel;
  expect(arrived).toHaveLength(1_000 - dropped + duplicated);
  expect([dropped > 240 && dropped < 360, duplicated > 90 && duplicated < 190]).toEqual([
    true,
    true,
  ]);
});

test('a reordered message arrives after a later one, and none is lost', async () => {
  const { later, ledger } = await sent({ reorderPercent: 40 }, 100);
  const arrived = await later();
  expect(arrived.some((n, at) => at > 0 && n < (arrived[at - 1] as number))).toBe(true);
  expect([
    arrived.toSorted((a, b) => a - b),
    ledger.snapshot().notifications.channel.reordered > 20,
  ]).toEqual([Array.from({ length: 100 }, (_, n) => n), true]);
});

test('a delay waits for the clock', async () => {
  const { arrived, later } = await sent({ delayMs: [5_000, 9_000] }, 5);
  expect([arrived.length, (await later()).length]).toEqual([0, 5]);
});

test('invalid conditions are refused', () => {
  const sky = new Delivery(startClock(0), createPrng(1), new Ledger(0));
  for (const change of [
    { dropPercent: 101 },
    { delayMs: [5, 1] as const },
    { duplicatePercent: -1 },
    { minGapMs: Number.NaN },
  ])
    expect(() => sky.set(change)).toThrow(RangeError);
  expect(sky.conditions).toEqual({
    dropPercent: 0,
    duplicatePercent: 0,
    reorderPercent: 0,
    delayMs: [0, 0],
    minGapMs: 1_000,
  });
});
