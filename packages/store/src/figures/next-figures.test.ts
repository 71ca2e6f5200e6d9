import { COLLECTION_KINDS } from '../mirrors/resources.js';
import type { Counted, Measured } from './next-figures.js';
import { countAgainInMs, measureAgainInMs } from './figures.js';
import { nextFigures } from './next-figures.js';
import { LATE_OVER_SECONDS, type FleetFigures, type LateOver } from './types.js';

const NOW_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;

const over = (counts: Partial<LateOver> = {}): LateOver => ({
  ...(Object.fromEntries(LATE_OVER_SECONDS.map((seconds) => [seconds, 0])) as LateOver),
  ...counts,
});

const byKind = <T>(value: () => T, gmail?: T): Record<(typeof COLLECTION_KINDS)[number], T> => ({
  ...(Object.fromEntries(COLLECTION_KINDS.map((kind) => [kind, value()])) as Record<
    (typeof COLLECTION_KINDS)[number],
    T
  >),
  ...(gmail === undefined ? {} : { gmail }),
});

function measuredAt(atMs: number, late: LateOver, isMore = false): Measured {
  return {
    late: {
      atMs,
      isMore,
      byKind: byKind(() => ({ over: over(), oldestSeconds: 0 }), { over: late, oldestSeconds: 70 }),
    },
    due: {} as FleetFigures['due'],
    hindered: {} as FleetFigures['hindered'],
    notActive: {
      byState: {
        reauth_required: { count: 2, isMore: false },
        paused: { count: 0, isMore: false },
        disabled: { count: 10_000, isMore: true },
        removing: { count: 0, isMore: false },
      },
      byReason: {} as FleetFigures['accounts']['byReason'],
    },
    processes: [],
  };
}

const COUNTED: Counted = {
  atMs: NOW_MS,
  collections: {
    isEstimate: false,
    total: 110,
    counts: [
      { kind: 'gmail', phase: 'incremental', state: 'active', count: 100 },
      { kind: 'gmail', phase: 'incremental', state: 'parked', count: 7 },
      { kind: 'gmail', phase: 'full', state: 'active', count: 3 },
    ],
  },
  lateByKind: byKind(() => over(), over({ 10: 90, 60: 40 })),
  accounts: {
    isEstimate: true,
    total: 100_000,
    byState: { active: 70_000, reauth_required: 9, paused: 0, disabled: 29_000, removing: 0 },
  },
  watches: { isEstimate: false, byKind: {} as FleetFigures['watches']['byKind'] },
  quarantine: {} as FleetFigures['quarantine'],
};

test('collections of active accounts are fresh or late; parked ones and full syncs are neither', () => {
  const { freshness } = nextFigures(
    null,
    measuredAt(NOW_MS, over({ 10: 30, 60: 20, 300: 5 })),
    COUNTED,
  );
  expect(freshness.gmail).toEqual({ fresh: 80, late: 20, freshMinutes: 0, lateMinutes: 0 });
  expect(freshness['calendar-list']).toMatchObject({ fresh: 0, late: 0 });
});

test('each roll-up adds collection-minutes, at most five, so that a gap counts as unknown', () => {
  const first = nextFigures(null, measuredAt(NOW_MS, over({ 60: 20 })), COUNTED);
  const second = nextFigures(first, measuredAt(NOW_MS + MINUTE_MS / 2, over({ 60: 10 })), COUNTED);
  expect(second.freshness.gmail).toEqual({ fresh: 90, late: 10, freshMinutes: 45, lateMinutes: 5 });
  const third = nextFigures(second, measuredAt(NOW_MS + 61 * MINUTE_MS, over({ 60: 10 })), COUNTED);
  expect(third.freshness.gmail).toMatchObject({ freshMinutes: 45 + 450, lateMinutes: 5 + 50 });
  // A clock that is set back takes nothing away.
  const fourth = nextFigures(third, measuredAt(NOW_MS, over({ 60: 10 })), COUNTED);
  expect(fourth.freshness.gmail).toMatchObject({ freshMinutes: 495, lateMinutes: 55 });
});

test('when more is late than is read, the count says how many, and it is called an estimate', () => {
  const { late, freshness } = nextFigures(
    null,
    measuredAt(NOW_MS, over({ 10: 50, 60: 50 }), true),
    COUNTED,
  );
  expect(late.isEstimate).toBe(true);
  expect(late.byKind.gmail).toEqual({ over: over({ 10: 90, 60: 50 }), oldestSeconds: 70 });
  expect(freshness.gmail).toMatchObject({ fresh: 50, late: 50 });
});

test('accounts that are not active are exact up to the limit, and all others are active', () => {
  const { accounts } = nextFigures(null, measuredAt(NOW_MS, over()), COUNTED);
  expect(accounts.byState).toEqual({
    active: 100_000 - 2 - 29_000,
    reauth_required: 2,
    paused: 0,
    disabled: 29_000,
    removing: 0,
  });
});

test('the figures take a share of the time of Postgres, and one slow answer does not stop them', () => {
  expect([1, 100, 10_000].map(measureAgainInMs)).toEqual([5_000, 20_000, 60_000]);
  expect([1, 1_000, 600_000].map((tookMs) => countAgainInMs(tookMs, false))).toEqual([
    60_000, 200_000, 900_000,
  ]);
  expect(countAgainInMs(1, true)).toBe(15_000);
});
