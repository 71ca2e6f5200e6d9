import { isAuditDue } from './audit.js';
import { sampleOf } from './verify-mailbox.js';

test('an audit is due after its interval, spread by ten percent, and never when switched off', () => {
  expect([isAuditDue(1_000, 950, 0), isAuditDue(1_000, 950, 0.9), isAuditDue(1_000, 1_101, 0.99)]).toEqual([true, false, true]);
  expect([isAuditDue(0, 1e9, 0), isAuditDue(1_000, null, 0)]).toEqual([false, false]);
});

test('a sample has no id twice and is as large as it can be', () => {
  const ids = ['a', 'b', 'c', 'd', 'e'];
  expect(new Set(sampleOf(ids, 3, () => 0.99)).size).toBe(3);
  expect(sampleOf(ids, 9, () => 0.5).sort()).toEqual(ids);
  expect(sampleOf(ids, 0, () => 0)).toEqual([]);
});
