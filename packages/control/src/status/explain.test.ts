import type { AccountView, CollectionView } from '@syncline/store';
import { collectionView } from '../../../../test/support/collection-view.js';
import { explain, explanationWords } from './explain.js';

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const at = (ms: number): Date => new Date(NOW_MS + ms);

function why(collection: CollectionView, state: AccountView['state'] = 'active'): string {
  return explanationWords(explain({ state }, collection, NOW_MS), NOW_MS);
}

const error = 'Google did not answer properly';
const working = { leaseUntil: at(5_000), leaseHolder: 'host-1' };

test.each<[string, Partial<CollectionView>, string, string]>([
  ['nothing is wrong', {}, 'caught-up', 'caught up'],
  ['a full sync is under way', { phase: 'full' }, 'more', 'its full sync is under way, in slices'],
  ['its resource is erased', { state: 'removing' }, 'gone', 'its rows are being erased'],
  ['Google no longer shows it', { state: 'gone', error }, 'gone', `no longer shows it: ${error}`],
  ['a worker has it', working, 'busy', 'syncing now, held by host-1'],
  ['a worker has it again', { ...working, error }, 'busy', `held by host-1; before: ${error}`],
  [
    'it is parked',
    { parked: 'scope', error, nextSyncAt: at(3_600_000) },
    'parked',
    `parked: ${error}; tried again in 1 h, or at once when a new token is imported`,
  ],
  ['a run failed', { error, failures: 1 }, 'snoozed', error],
  ['runs fail', { error, failures: 3 }, 'snoozed', `${error} (3 times in a row)`],
  ['a sync was requested', { requestedAt: at(-9_000) }, 'requested', 'requested since 9 s ago'],
  ['its time has passed', { nextSyncAt: at(-90_000) }, 'overdue', 'due 1 min 30 s ago'],
])('when %s', (_case, fields, kind, words) => {
  const collection = collectionView(fields);
  expect(explain({ state: 'active' }, collection, NOW_MS).kind).toBe(kind);
  expect(why(collection)).toContain(words);
});

test('an account that is not active explains all of its collections', () => {
  const collection = collectionView({ error, parked: 'scope' });
  expect(why(collection, 'paused')).toBe('not synced while the account is paused');
  expect(explain({ state: 'reauth_required' }, collection, NOW_MS).kind).toBe('reauth-required');
});

test('neither a request that was answered nor a minute of delay counts', () => {
  const answered = { requestedAt: at(-9_000), caughtUpAt: at(-8_000), nextSyncAt: at(-59_000) };
  expect(why(collectionView(answered))).toBe('caught up');
  expect(why(collectionView({ leaseUntil: at(-1), leaseHolder: 'host-1' }))).toBe('caught up');
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
  const mailbox = collectionView({ heldSweep });
  expect(why(mailbox)).toBe(words);
  expect(why({ ...mailbox, error: 'held: said by the run' })).toBe(words);
  expect(why({ ...mailbox, error: 'no answer' })).toBe(`no answer; ${words}`);
  const relisted = { ...mailbox, heldSweep: { ...heldSweep, waitsFor: 'new-listing' as const } };
  expect(why(relisted)).toContain('nothing is deleted until it is listed again, in 40 s');
});
