import { createRuntime } from '@syncline/runtime';
import { arrivalsIn, arrivalsInWords } from './arrivals.js';

/**
 * Returns the metrics page of a worker that stored changes these numbers of seconds after their
 * notifications.
 */
function pageOf(seconds: readonly number[], polled: number): Promise<string> {
  const { metrics } = createRuntime({ service: 'test', logLevel: 'silent' });
  metrics.incrementalChanges.inc({ kind: 'gmail', via: 'poll' }, polled);
  for (const each of seconds) {
    metrics.incrementalChanges.inc({ kind: 'calendar-events', via: 'notification' }, 2);
    metrics.pushToStoredSeconds.observe({ kind: 'calendar-events' }, each);
  }
  return metrics.registry.metrics();
}

test('the counts of all workers are added up', async () => {
  const arrivals = arrivalsIn([
    await pageOf(Array(60).fill(0.07), 1),
    await pageOf(Array(40).fill(0.2), 2),
    '',
  ]);
  expect(arrivals).toMatchObject({ byNotification: 200, byPoll: 3 });
  // 50 of 100 are in the bucket from 50 to 100 ms, which has 60; 99 are in that from 150 to 250 ms.
  expect(arrivals.p50Ms).toBeCloseTo(50 + (50 * 50) / 60);
  expect(arrivals.p99Ms).toBeCloseTo(150 + (100 * 39) / 40);
  expect(arrivalsInWords(arrivals)).toBe(
    '200 by notification (p50 92 ms, p99 248 ms from the notification to the row), 3 by poll',
  );
});

test('without a notification there is no arrival, and what came later than the last bound is in none', async () => {
  expect(arrivalsInWords(arrivalsIn([await pageOf([], 0)]))).toBe('0 by notification, 0 by poll');
  expect(arrivalsIn([await pageOf([90], 0)])).toMatchObject({ p50Ms: 60_000, p99Ms: 60_000 });
});
