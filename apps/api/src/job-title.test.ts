import { jobTitle } from './job-title.js';

const DATA = {
  collection: 'c1',
  account: 'a1',
  tenant: 'acme',
  resource: 'gmail',
  mode: 'full',
  cause: 'schedule',
};
const REPORT = {
  outcome: 'caught-up',
  reason: null,
  durationMs: 90,
  sync: { pages: 1, items: 3, changes: 3, quotaUnits: 20, nextSync: null },
};

test.each([
  [{}, 'gmail full acme'],
  [{ progress: { done: 40, total: 100, progress: 40 } }, 'gmail full acme: 40 of 100 items'],
  [
    { progress: { waitsUntil: '2026-05-04T10:00:00.000Z', reason: 'waiting for quota' } },
    'gmail full acme: waits until 10:00:00 UTC (waiting for quota)',
  ],
  [{ failedReason: 'Error' }, 'gmail full acme: failed, to be tried again'],
  [{ failedReason: 'Error', finishedOn: 1 }, 'gmail full acme: failed'],
  [{ returnvalue: REPORT, finishedOn: 1 }, 'gmail full acme: caught up, 3 changes'],
  [
    { returnvalue: { ...REPORT, outcome: 'parked', reason: 'no scope' } },
    'gmail full acme: parked, no scope',
  ],
])('a job with %j is titled by whose it is and what it did', (job, title) => {
  expect(jobTitle('gmail-full', { data: DATA, ...job })).toBe(title);
});

test('a job whose data, progress or result is not ours shows nothing of it', () => {
  expect(jobTitle('gmail-full', { data: { ...DATA, email: 'ann@example.com' } })).toBe(
    'not a job of this queue',
  );
  const foreign = { progress: 'ann@example.com', returnvalue: { outcome: 'ann@example.com' } };
  expect(jobTitle('gmail-full', { data: DATA, ...foreign })).toBe('gmail full acme');
});
