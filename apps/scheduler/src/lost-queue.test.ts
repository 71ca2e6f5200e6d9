import type { QueueDataId } from '@syncline/fleet';
import { createRuntime } from '@syncline/runtime';
import { isQueueLost, lostQueueCheck } from './lost-queue.js';

const rt = createRuntime({ service: 'test', logLevel: 'silent' });

test('forgotten has who knows nothing, and who is another than before; a scheduler that begins believes what it finds', () => {
  expect(isQueueLost(null, { id: 'a', isNew: false })).toBe(false);
  expect(isQueueLost(null, { id: 'a', isNew: true })).toBe(true);
  expect(isQueueLost('a', { id: 'a', isNew: false })).toBe(false);
  expect(isQueueLost('a', { id: 'b', isNew: false })).toBe(true);
  expect(isQueueLost('a', { id: 'b', isNew: true })).toBe(true);
});

test('enqueued collections are brought forward once for each time that Redis lost its data, also when Postgres was away just then', async () => {
  const found: QueueDataId[] = [
    { id: 'a', isNew: false },
    { id: 'b', isNew: true },
    { id: 'b', isNew: false },
    { id: 'b', isNew: false },
    { id: 'c', isNew: false },
    { id: 'c', isNew: false },
  ];
  const brought: number[] = [];
  let round = 0;
  const check = lostQueueCheck(rt, {
    fleet: { dataId: async () => found[round] as QueueDataId },
    store: {
      schedule: {
        bringForward: async (withinMs) => {
          if (round === 1) throw new Error('terminating connection due to administrator command');
          brought.push(round);
          return withinMs;
        },
      },
    },
  });
  await check();
  round = 1;
  await expect(check()).rejects.toThrow('terminating');
  for (round = 2; round < found.length; round += 1) await check();
  expect(brought).toEqual([2, 4]);
});
