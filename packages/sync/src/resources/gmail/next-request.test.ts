import { NO_POSITION, type GmailCursor, type GmailFollow } from './cursor.js';
import { planNext } from './next-request.js';

const follow = (over: Partial<GmailFollow> = {}): GmailFollow => ({
  phase: 'follow',
  after: '7',
  listing: null,
  listed: 0,
  fetched: 0,
  labelsReadAtMs: 0,
  ...over,
});
const listing = { pageToken: 'p', until: '9' };

test.each<[string, GmailCursor | { phase: 'new' }, ReturnType<typeof planNext>['kind']]>([
  ['a new mailbox begins with its profile', { phase: 'new' }, 'begin'],
  [
    'a full sync goes on with its pages',
    { phase: 'backfill', step: 'list', from: '1', pageToken: null, listed: 0 },
    'walk',
  ],
  ['between two listings older mail may come', follow(), 'deepen'],
  ['a listing under way is finished first', follow({ listing }), 'history'],
  [
    'a sweep that waits leaves older mail for later',
    follow({ hold: { waitsFor: 'sweep' } }),
    'history',
  ],
  ['what history named is fetched first', follow({ listing, listed: 3, fetched: 1 }), 'fetch'],
  ['without a history id there is no history', follow({ after: NO_POSITION }), 'without-position'],
  [
    'what was named is fetched without a history id as well',
    follow({ after: NO_POSITION, listed: 1 }),
    'fetch',
  ],
])('%s', (_what, cursor, kind) => {
  expect(planNext(cursor).kind).toBe(kind);
});
