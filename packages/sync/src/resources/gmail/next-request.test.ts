import { NO_POSITION, type GmailCursor, type GmailIncremental } from './cursor.js';
import { planNext } from './next-request.js';

const incremental = (over: Partial<GmailIncremental> = {}): GmailIncremental => ({
  phase: 'incremental',
  after: '7',
  listing: null,
  listed: 0,
  fetched: 0,
  labelsReadAtMs: 0,
  ...over,
});
const listing = { pageToken: 'p', until: '9' };

test.each<[string, GmailCursor | { phase: 'pending' }, ReturnType<typeof planNext>['kind']]>([
  ['a new mailbox begins with its profile', { phase: 'pending' }, 'begin'],
  [
    'a full sync continues with its pages',
    { phase: 'full', step: 'list', from: '1', pageToken: null, listed: 0 },
    'items',
  ],
  ['between two listings older mail may come', incremental(), 'extend-window'],
  ['a listing under way is finished first', incremental({ listing }), 'history'],
  [
    'a sweep that waits leaves older mail for later',
    incremental({ hold: { waitsFor: 'sweep' } }),
    'history',
  ],
  ['what history named is fetched first', incremental({ listing, listed: 3, fetched: 1 }), 'fetch'],
  [
    'without a history id there is no history',
    incremental({ after: NO_POSITION }),
    'without-position',
  ],
  [
    'what was named is fetched without a history id as well',
    incremental({ after: NO_POSITION, listed: 1 }),
    'fetch',
  ],
])('%s', (_what, cursor, kind) => {
  expect(planNext(cursor).kind).toBe(kind);
});
