import type { Config } from '@syncline/runtime';
import { QUOTAS } from '../../../test/support/world.js';
import { planQuota, type PlannedFleet } from './quota-plan.js';

const CONFIG = {
  quotas: QUOTAS,
  poll: { activeMs: 60_000, idleMs: 900_000 },
  auditEveryMs: 7 * 86_400_000,
  mirror: { bodies: 'full' },
} as Pick<Config, 'quotas' | 'poll' | 'auditEveryMs' | 'mirror'>;

const FLEET: PlannedFleet = {
  accounts: 100,
  messagesPerAccount: 10_000,
  threadLength: 1,
  calendarsPerAccount: 3,
  contactsPerAccount: null,
  projects: 1,
  messagesPerDay: 50,
  activeHoursPerDay: 8,
  watches: true,
  withinDays: 30,
};

test('what is kept of bodies and the quotas are the configured ones unless they are given', () => {
  const plan = planQuota(CONFIG, FLEET);
  expect(plan).toMatchObject({ fleet: { bodies: 'full' }, quotas: QUOTAS });
  const raw = planQuota(CONFIG, { ...FLEET, bodies: 'raw' }, 'legacy');
  expect(raw).toMatchObject({
    fleet: { bodies: 'raw' },
    quotas: { ...QUOTAS, gmailTier: 'legacy', gmailUnitsPerUserMinute: 15_000 },
  });
});

test('sources cost more units a message', () => {
  const units = (bodies: 'full' | 'raw'): number =>
    planQuota(CONFIG, { ...FLEET, bodies }).plan.onboarding.unitsPerMessage;
  expect(units('raw')).toBeGreaterThan(units('full'));
});
