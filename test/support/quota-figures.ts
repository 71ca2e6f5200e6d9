import type { QuotaUsage } from '@syncline/google';
import type { SpentToday } from '@syncline/store';
import type { FullSync } from '../../packages/control/src/quota/report.js';

/* Figures of a day's quota, for the report and for its text. */

export const free = { used: 0, limit: 10_000, closedForMs: 0, pacePercent: 100 };
export const day = {
  day: '2026-11-21',
  used: 10,
  limit: 1_000,
  bulkBound: 950,
  onboardingBound: 975,
  endsInMs: 3_600_000,
};
export const usageWith = (over: Partial<QuotaUsage['gmail']>): QuotaUsage => ({
  gmail: { project: free, day, users: {}, ...over },
  calendar: { project: free, users: {} },
  people: { project: free, users: {} },
});

export const spent: SpentToday[] = [
  {
    accountId: '1',
    email: 'ada@example.com',
    tenant: 'one',
    identityId: 'i1',
    project: 'default',
    method: 'gmail.users.messages.get',
    calls: 3,
    units: 60,
  },
  {
    accountId: '1',
    email: 'ada@example.com',
    tenant: 'one',
    identityId: 'i1',
    project: 'default',
    method: 'calendar.events.list',
    calls: 2,
    units: 2,
  },
  {
    accountId: '2',
    email: 'bob@example.com',
    tenant: 'two',
    identityId: null,
    project: 'b',
    method: 'gmail.users.messages.get',
    calls: 5,
    units: 100,
  },
];
export const fullSync = (etaSeconds: number | null): FullSync => ({
  email: 'ada@example.com',
  tenant: 't',
  collection: 'mailbox',
  done: 1,
  total: 2,
  etaSeconds,
});
