import { randomUUID } from 'node:crypto';
import { openFleet } from '@syncline/fleet';
import type { RequestedCollection } from '@syncline/store';
import { redisUrl, testRuntime } from '../../../test/support/database.js';
import { openHints } from './hints.js';

const one = (more: Partial<RequestedCollection>): RequestedCollection => ({
  collectionId: randomUUID(),
  accountId: randomUUID(),
  tenant: 'acme',
  kind: 'calendar-events',
  ready: true,
  ...more,
});

test('a requested sync is in the queue of its resource at once, and one that is not ready is left to the schedule', async () => {
  const rt = testRuntime();
  const fleet = await openFleet(rt, {
    redisUrl: redisUrl(),
    redisPrefix: `test-${randomUUID()}`,
    deployment: null,
  });
  const written: Promise<void>[] = [];
  const enqueue: typeof fleet.enqueue = (items) => {
    const write = fleet.enqueue(items);
    written.push(write);
    return write;
  };
  const hint = openHints(rt, { enqueue }, 'request');
  const ready = one({});
  hint([ready, one({ ready: false })]);
  hint([one({ ready: false })]);
  await Promise.all(written);
  const jobs = (
    await Promise.all(fleet.queues().map((queue) => queue.getJobs(['waiting', 'prioritized'])))
  ).flat();
  expect(jobs.map(({ queueName, data }) => ({ queueName, data }))).toEqual([
    {
      queueName: 'calendar-incremental',
      data: expect.objectContaining({ collection: ready.collectionId, cause: 'request' }),
    },
  ]);
  await fleet.close();
});
