import type { Config } from '@syncline/runtime';
import fc from 'fast-check';
import { type FleetShape, planFleet } from './fleet-plan.js';

const QUOTAS = {
  gmailUnitsPerUserMinute: 6_000,
  gmailUnitsPerProjectMinute: 1_200_000,
  gmailUnitsPerProjectDay: 80_000_000,
  calendarRequestsPerUserMinute: 600,
  calendarRequestsPerProjectMinute: 10_000,
  peopleRequestsPerUserMinute: 90,
  peopleRequestsPerProjectMinute: 1_000_000,
  gmailTier: 'new' as const,
};
const POLICY = { activeMs: 60_000, idleMs: 900_000, auditEveryMs: 0 };
const SHAPE: FleetShape = {
  accounts: 1,
  messagesPerAccount: 50_000,
  threadLength: 1,
  calendarsPerAccount: 3,
  contactsPerAccount: null,
  projects: 1,
  messagesPerDay: 0,
  activeHoursPerDay: 0,
  bodies: 'full',
  watches: false,
  withinDays: 30,
};

const plan = (
  shape: Partial<FleetShape> = {},
  quotas: Partial<Config['quotas']> = {},
  policy = {},
) => planFleet({ ...SHAPE, ...shape }, { ...QUOTAS, ...quotas }, { ...POLICY, ...policy });

test("a mailbox of 50,000 takes a new project's user limit almost three hours, and an old one's seventeen minutes", () => {
  const fresh = plan().onboarding;
  expect([fresh.unitsPerMailbox, fresh.mailboxSeconds, fresh.boundBy]).toEqual([
    1 + 1 + 100 * 5 + 50_000 * 20,
    166 * 61,
    'user a minute',
  ]);
  const legacy = plan({}, { gmailTier: 'legacy', gmailUnitsPerUserMinute: 15_000 }).onboarding;
  expect([legacy.unitsPerMailbox, legacy.mailboxSeconds]).toEqual([250_502, 16 * 61]);
});

test('a mailbox that fits into one minute is mirrored at once', () => {
  expect(plan({ messagesPerAccount: 299 }).onboarding).toMatchObject({
    unitsPerMailbox: 5_987,
    mailboxSeconds: 0,
    fleetSeconds: 0,
  });
  expect(plan({ messagesPerAccount: 0 }).onboarding.unitsPerMailbox).toBe(7);
});

test('threads make messages cheaper, much as it was measured: 20.0, 11.5 and 5.3 units', () => {
  expect(
    [1, 3, 8].map((threadLength) =>
      Number(plan({ threadLength }).onboarding.unitsPerMessage.toFixed(2)),
    ),
  ).toEqual([20, 11.11, 4.69]);
});

test('sources cost every message one more get, in a thread or not, and every arrival too', () => {
  const raw = { bodies: 'raw', messagesPerDay: 50 } as const;
  expect([plan(raw).onboarding.unitsPerMailbox, plan(raw).steady.changes]).toEqual([
    1 + 1 + 100 * 5 + 50_000 * 40,
    50 * 40,
  ]);
  expect(Number(plan({ ...raw, threadLength: 8 }).onboarding.unitsPerMessage.toFixed(2))).toBe(
    24.69,
  );
});

test('a fleet is bound by its mailboxes, then by the minute, then by the day', () => {
  const bound = (accounts: number, messagesPerAccount: number) =>
    plan({ accounts, messagesPerAccount }).onboarding;
  expect(bound(2, 10_000)).toMatchObject({ boundBy: 'user a minute', fleetSeconds: 33 * 61 });
  expect(bound(2_000, 1_000)).toMatchObject({
    unitsPerProject: 40_024_000,
    boundBy: 'project a minute',
    fleetSeconds: 33 * 61,
  });
  const month = bound(10_000, 10_000);
  expect(month.boundBy).toBe('project a day');
  // 2 units per poll, 96 polls a day: the steady state takes its share of each day.
  expect(month.fleetSeconds).toBe(
    Math.ceil((10_000 * 200_102 * 86_400) / (80_000_000 - 10_000 * 192)),
  );
});

test('the steady state counts polls, changes, renewals and audits', () => {
  expect(
    plan(
      { activeHoursPerDay: 8, messagesPerDay: 50, watches: true },
      {},
      { auditEveryMs: 86_400_000 },
    ).steady,
  ).toMatchObject({
    polls: 1_251,
    changes: 50 * 22,
    watches: 19,
    audits: (16 + 300) * 5 + 400 + 2,
    unitsPerAccountDay: 1_251 + 1_100 + 19 + 1_982,
  });
  expect(plan({ messagesPerDay: 50 }).steady).toMatchObject({
    changes: 1_000,
    watches: 0,
    audits: 0,
  });
});

test('projects are counted for the steady state, and for an onboarding that is over in time', () => {
  const big = { accounts: 1_000_000, messagesPerAccount: 1_000 };
  const { projectsNeeded } = plan(big);
  expect(projectsNeeded.forSteadyState).toBe(Math.ceil(1_000_000 / Math.floor(80_000_000 / 192)));
  const { forOnboarding } = projectsNeeded;
  expect(
    plan({ ...big, projects: forOnboarding ?? 0 }).onboarding.fleetSeconds,
  ).toBeLessThanOrEqual(30 * 86_400);
  expect(
    plan({ ...big, projects: (forOnboarding ?? 0) - 1 }).onboarding.fleetSeconds,
  ).toBeGreaterThan(30 * 86_400);
});

test('what no number of projects can do is said so', () => {
  expect(
    plan({ messagesPerAccount: 5_000_000, withinDays: 1 }).projectsNeeded.forOnboarding,
  ).toBeNull();
  expect(plan({ accounts: 500_000 }).onboarding).toMatchObject({
    fleetSeconds: null,
    boundBy: 'project a day',
  });
});

test('more projects never take longer, and more mail never costs less', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      fc.integer({ min: 0, max: 1e6 }),
      fc.integer({ min: 1, max: 100 }),
      (accounts, messagesPerAccount, projects) => {
        const time = (over: Partial<FleetShape>): number =>
          plan({ accounts, messagesPerAccount, projects, ...over }).onboarding.fleetSeconds ??
          Infinity;
        expect(time({ projects: projects + 1 })).toBeLessThanOrEqual(time({}));
        expect(time({ messagesPerAccount: messagesPerAccount + 1_000 })).toBeGreaterThanOrEqual(
          time({}),
        );
      },
    ),
  );
});

test('contacts cost a request for 1,000 people, at least one for each of three lists, within the limit of a user', () => {
  const people = (contactsPerAccount: number | null, accounts = 1) => {
    const { onboarding, steady } = plan({ contactsPerAccount, accounts });
    return [
      onboarding.peopleRequestsPerAccount,
      onboarding.peopleFirstPagesPerAccount,
      onboarding.peopleSeconds,
      steady.peopleRequestsPerAccountDay,
    ];
  };
  expect(people(null)).toEqual([0, 0, 0, 0]);
  // Three lists every 15 minutes.
  expect(people(0)).toEqual([3, 3, 0, 288]);
  expect(people(2_500)).toEqual([5, 3, 0, 288]);
  expect(people(100_000)).toEqual([102, 3, 61, 288]);
  const { onboarding } = plan(
    { contactsPerAccount: 0, accounts: 100 },
    { peopleRequestsPerProjectMinute: 100 },
  );
  expect(onboarding.peopleFleetSeconds).toBe(2 * 61);
});
