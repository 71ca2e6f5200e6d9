import type { CollectionView } from '@syncline/store';
import { collectionView } from '../../../../test/support/collection-view.js';
import { auditWords } from './audit-words.js';

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const HOUR_MS = 3_600_000;

function collection(
  kind: CollectionView['kind'],
  audit: CollectionView['audit'],
  state = 'active',
): CollectionView {
  return collectionView({ id: kind, kind, externalId: kind, state, audit });
}

const last = (hoursAgo: number, drift: number): CollectionView['audit']['last'] => ({
  at: new Date(NOW_MS - hoursAgo * HOUR_MS),
  checked: 1_000,
  contents: 20,
  drift,
});

test('what was not compared is named, and never passes for what did not differ', () => {
  const never: CollectionView['audit'] = { last: null, inHand: null };
  expect(
    auditWords(
      {
        collections: [
          collection('gmail', never),
          collection('calendar-list', never),
          collection('calendar-events', never, 'gone'),
        ],
      },
      NOW_MS,
    ),
  ).toEqual(['not audited: mailbox, calendar list']);
  const inHand: CollectionView['audit'] = {
    last: null,
    inHand: { begunAt: new Date(NOW_MS - HOUR_MS), checked: 200_000, drift: 0 },
  };
  expect(auditWords({ collections: [collection('gmail', inHand)] }, NOW_MS)).toEqual([
    'audit of mailbox under way since 1 h ago: 200,000 items listed; so far nothing differed',
  ]);
});

test('finished audits are summed up with what they compared', () => {
  const collections = [
    collection('gmail', { last: last(3, 2), inHand: null }),
    collection('calendar-list', { last: last(1, 0), inHand: null }),
  ];
  expect(auditWords({ collections }, NOW_MS)).toEqual([
    'audited 3 h ago or later: 2,000 items compared, 40 of them with their content; 2 items differed and are repaired',
  ]);
});
