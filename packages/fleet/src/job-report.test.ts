import { readJobProgress } from './job-journal.js';
import { readJobReport } from './job-report.js';

const SYNC = {
  pages: 1,
  items: 3,
  changes: 2,
  quotaUnits: 20,
  nextSync: '2026-05-04T10:00:00.000Z',
};
const REPORT = { outcome: 'caught-up', reason: null, durationMs: 90, sync: SYNC };

test("a job's return value is read as it was written", () => {
  expect(readJobReport(JSON.parse(JSON.stringify(REPORT)))).toEqual(REPORT);
  const watch = { outcome: 'watched', reason: 'Google notifies', durationMs: 5 };
  expect(readJobReport(watch)).toEqual(watch);
});

test('S3: only the fields that a job writes are shown of its return value and progress', () => {
  const foreign = { email: 'ann@example.com' };
  expect(
    readJobReport({ ...REPORT, ...foreign, sync: { ...SYNC, ...foreign, nextSync: 'ann' } }),
  ).toEqual({ ...REPORT, sync: { ...SYNC, nextSync: null } });
  expect(readJobReport({ ...REPORT, outcome: 'ann@example.com' })).toBeNull();
  expect(readJobReport('ann@example.com')).toBeNull();
  expect(readJobProgress({ done: 5, total: 20, ...foreign })).toEqual({
    done: 5,
    total: 20,
    progress: 25,
  });
  expect(readJobProgress(foreign)).toBeNull();
});

test('the progress of a full sync is a percentage of at most 100, and 0 while the total is not known', () => {
  const percent = (done: number, total: number | null): unknown => readJobProgress({ done, total });
  expect(percent(30, 20)).toMatchObject({ progress: 100 });
  expect(percent(30, null)).toMatchObject({ progress: 0, total: null });
  expect(percent(0, 0)).toMatchObject({ progress: 0 });
});
