import type { FreshState } from '@syncline/store';
import { judge } from './fresh-reads.js';

const COLLECTION: FreshState['collections'][number] = {
  id: 'c1',
  phase: 'incremental',
  caughtUpMs: 1_000,
  isExtending: false,
  isParked: false,
  failures: 0,
  nextSyncInMs: 0,
  isRequested: false,
  runningSinceMs: null,
};

const state = (
  more: Partial<typeof COLLECTION> = {},
  accountState: FreshState['accountState'] = 'active',
): FreshState => ({ atMs: 5_000, accountState, collections: [{ ...COLLECTION, ...more }] });
const known = (why: string | null): object => ({
  kind: 'known',
  result: { isFresh: why === null, why },
});
const NOW = { sinceMs: 2_000, leftMs: 1_000 };

test.each<[string, FreshState, { sinceMs: number; leftMs: number }, object]>([
  ['caught up since then', state({ caughtUpMs: 2_000 }), NOW, known(null)],
  [
    'caught up a moment before',
    state({ caughtUpMs: 1_999.999 }),
    NOW,
    { kind: 'wait', toRequest: ['c1'] },
  ],
  ['never caught up', state({ caughtUpMs: null }), NOW, { kind: 'wait', toRequest: ['c1'] }],
  ['requested already', state({ isRequested: true }), NOW, { kind: 'wait', toRequest: [] }],
  [
    'failing, and tried in time',
    state({ failures: 1, nextSyncInMs: 900 }),
    NOW,
    { kind: 'wait', toRequest: [] },
  ],
  [
    'in a run that began in time',
    state({ runningSinceMs: 2_000 }),
    NOW,
    { kind: 'wait', toRequest: [] },
  ],
  [
    'in a run that began too early',
    state({ runningSinceMs: 1_999 }),
    NOW,
    { kind: 'wait', toRequest: ['c1'] },
  ],
  ['failing, and tried later', state({ failures: 1, nextSyncInMs: 1_100 }), NOW, known('failing')],
  ['parked', state({ isParked: true }), NOW, known('parked')],
  ['of a paused account', state({}, 'paused'), NOW, known('paused')],
  ['fresh, of a paused account', state({ caughtUpMs: 3_000 }, 'paused'), NOW, known(null)],
  ['late', state(), { ...NOW, leftMs: 0 }, known('wait-over')],
  ['late in a full sync', state({ phase: 'full' }), { ...NOW, leftMs: 0 }, known('full-sync')],
  ['absent', { ...state(), collections: [] }, NOW, known('not-mirrored')],
  [
    'absent, of a removed account',
    { ...state({}, 'removing'), collections: [] },
    NOW,
    known('removing'),
  ],
])('a collection that is %s', (_what, seen, asked, judged) => {
  expect(judge(seen, asked)).toEqual(judged);
});
