import type { AuditView, CollectionView } from '@syncline/store';
import { audits, verdictOn } from './why.js';

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const HOUR_MS = 3_600_000;

function collection(
  kind: CollectionView['kind'],
  audit: AuditView,
  state = 'active',
): CollectionView {
  return {
    id: kind,
    kind,
    externalId: kind,
    state,
    phase: 'follow',
    progress: { done: 0, total: null },
    walkStartedAt: null,
    wantedAt: null,
    servedAt: null,
    leaseUntil: null,
    leaseHolder: null,
    lastSyncedAt: null,
    nextSyncAt: null,
    failures: 0,
    error: null,
    parked: null,
    audit,
    heldSweep: null,
    quarantined: 0,
    troubled: [],
    doorbell: null,
  };
}

const last = (hoursAgo: number, drift: number): AuditView['last'] => ({
  at: new Date(NOW_MS - hoursAgo * HOUR_MS),
  checked: 1_000,
  contents: 20,
  drift,
});

test('what was not looked at is named, and never passes for what did not differ', () => {
  const never: AuditView = { last: null, inHand: null };
  expect(
    audits(
      {
        collections: [
          collection('gmail', never),
          collection('calendar-list', never),
          collection('calendar-events', never, 'gone'),
        ],
      },
      NOW_MS,
    ),
  ).toEqual(['', 'not audited: mailbox, calendar list']);
  const inHand: AuditView = {
    last: null,
    inHand: { begunAt: new Date(NOW_MS - HOUR_MS), checked: 200_000, drift: 0 },
  };
  expect(audits({ collections: [collection('gmail', inHand)] }, NOW_MS)).toEqual([
    '',
    'audit of mailbox under way since 1 h ago: 200,000 items listed; so far nothing differed',
  ]);
});

test('audits that are over are summed up with what they looked at', () => {
  const collections = [
    collection('gmail', { last: last(3, 2), inHand: null }),
    collection('calendar-list', { last: last(1, 0), inHand: null }),
  ];
  expect(audits({ collections }, NOW_MS)).toEqual([
    '',
    'audited 3 h ago or later: 2,000 items compared, 40 of them with their content; 2 items differed and are mended',
  ]);
});

test('names a held sweep with its rows, its age and what it waits for, after any error', () => {
  const heldSweep = {
    rows: 60,
    since: new Date(NOW_MS - 20_000),
    waitsFor: 'second-listing',
    until: new Date(NOW_MS + 40_000),
  } as const;
  const words =
    'held: a full listing lacked 60 items 20 s ago; nothing is deleted until a second listing, in 40 s';
  const mailbox = { ...collection('gmail', { last: null, inHand: null }), heldSweep };
  const active = { state: 'active' } as const;
  expect(verdictOn(active, mailbox, NOW_MS)).toBe(words);
  expect(verdictOn(active, { ...mailbox, error: 'held: said by the run' }, NOW_MS)).toBe(words);
  expect(verdictOn(active, { ...mailbox, error: 'no answer' }, NOW_MS)).toBe(`no answer; ${words}`);
  const relisted = { ...mailbox, heldSweep: { ...heldSweep, waitsFor: 'new-listing' as const } };
  expect(verdictOn(active, relisted, NOW_MS)).toContain(
    'nothing is deleted until it is listed again, in 40 s',
  );
});
