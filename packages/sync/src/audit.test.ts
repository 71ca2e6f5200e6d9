import { isAuditDue } from './audit.js';
import { sampled } from './resources/gmail/audit.js';
import { AuditBudget } from './audit-slice.js';
import { sampleOf } from './resources/gmail/compare.js';

test('an audit is due after its interval, spread by ten percent, and never when switched off', () => {
  const due = (auditEveryMs: number, auditAgeMs: number | null, jitter: number): boolean =>
    isAuditDue(
      { activeMs: 1, idleMs: 1, auditEveryMs },
      { auditAgeMs, auditPausedMs: null },
      jitter,
    );
  expect([due(1_000, 950, 0), due(1_000, 950, 0.9), due(1_000, 1_101, 0.99)]).toEqual([
    true,
    false,
    true,
  ]);
  expect([due(0, 1e9, 0), due(1_000, null, 0)]).toEqual([false, false]);
});

test('an unfinished audit continues after a pause, whatever its age', () => {
  const due = (pausedMs: number, auditEveryMs = 1_000): boolean =>
    isAuditDue(
      { activeMs: 1, idleMs: 1, auditEveryMs },
      { auditAgeMs: 1, auditPausedMs: pausedMs },
      0,
    );
  expect([due(59_999), due(60_000), due(60_000, 0)]).toEqual([false, true, false]);
});

test('a budget gives at most what it has, and nothing when the time is over', () => {
  const budget = new AuditBudget(50, () => true);
  expect([
    budget.take(5),
    budget.takeSome(10, 20),
    budget.take(6),
    budget.take(5),
    budget.takeSome(1, 20),
  ]).toEqual([true, 2, false, true, 0]);
  const late = new AuditBudget(50, () => false);
  expect([late.take(1), late.takeSome(3, 1)]).toEqual([false, 0]);
});

test('a sample drawn page by page has twenty ids, and every page has its chance', () => {
  const ids = Array.from({ length: 100 }, (_, i) => String(i));
  const last = sampled(
    sampled([], 0, ids.slice(0, 60), () => 0.5),
    60,
    ids.slice(60),
    () => 0.05,
  );
  expect(new Set(last).size).toBe(20);
  expect(last.some((id) => Number(id) >= 60)).toBe(true);
  expect(sampled([], 0, ['a', 'b'], () => 0)).toEqual(['a', 'b']);
});

test('a sample has no id twice and is as large as it can be', () => {
  const ids = ['a', 'b', 'c', 'd', 'e'];
  expect(new Set(sampleOf(ids, 3, () => 0.99)).size).toBe(3);
  expect(sampleOf(ids, 9, () => 0.5).sort()).toEqual(ids);
  expect(sampleOf(ids, 0, () => 0)).toEqual([]);
});
