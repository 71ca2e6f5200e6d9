import type { AccountStatus } from '@syncline/control/status';
import { explain } from '../../../../packages/control/src/status/explain.js';
import type { AccountView, CollectionView } from '@syncline/store';
import { collectionView } from '../../../../test/support/collection-view.js';
import { screenOf } from './why.js';

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const at = (ms: number): Date => new Date(NOW_MS + ms);
const watched: NonNullable<CollectionView['watch']> = {
  state: 'on',
  silent: false,
  expiresAt: at(6 * 86_400_000),
  dueAt: at(5 * 86_400_000),
  lastNotifiedAt: at(-12_000),
  error: null,
};

function statusOf(collections: AccountView['collections'], spent: number): AccountStatus {
  const account: AccountView = {
    id: '1',
    email: 'a\u001b[2J@example.com',
    tenant: 'acme',
    project: 'default',
    state: 'active',
    reason: null,
    reasonCode: null,
    aliases: [],
    identityId: null,
    lastConnect: null,
    feed: { epoch: 1, seq: 0, oldestSeq: 1 },
    resources: ['gmail'],
    grant: { number: 0, version: 0, verified: true, identityId: null, shared: false },
    collections,
  };
  return {
    atMs: NOW_MS,
    account,
    collections: collections.map((collection) => ({
      collection,
      explanation: explain(account, collection, NOW_MS),
    })),
    spentToday: spent === 0 ? [] : [{ method: 'gmail.users.messages.get', calls: 1, units: spent }],
  };
}

test('the screen of a watched mailbox with items in quarantine', () => {
  const mailbox = collectionView({
    lastSyncedAt: at(-3_000),
    nextSyncAt: at(60_000),
    quarantined: 2,
    unreadable: [
      { id: 'm1', state: 'quarantined', reason: 'too large', since: at(-60_000), nextTryAt: null },
    ],
    watch: watched,
  });
  expect(screenOf(statusOf([mailbox], 20)).split('\n')).toEqual([
    'a [2J@example.com (tenant acme, account 1)',
    'state: active',
    '',
    'COLLECTION  PHASE        PROGRESS  SYNCED   NEXT SYNC  WHY',
    'mailbox     incremental            3 s ago  in 1 min   caught up',
    '',
    'watches:',
    '  mailbox: on, last notified 12 s ago, renewed in 5 d',
    '',
    'not audited: mailbox',
    '',
    'in quarantine: 2 items; see them with: syncline quarantine list a [2J@example.com',
    '  mailbox m1: too large; quarantined since 1 min ago, next try by quarantine retry',
    '',
    'spent today:',
    '  gmail.users.messages.get: 1 call, 20 units',
  ]);
});

test('the screen leaves out what there is nothing to say of', () => {
  const screen = screenOf(statusOf([collectionView({ state: 'gone' })], 0)).split('\n');
  expect(screen.slice(4)).toEqual([
    'mailbox     incremental            never   never      Google no longer shows it',
    '',
    '',
    'spent today: nothing',
  ]);
});
