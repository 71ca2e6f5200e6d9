import { createRuntime, type Runtime } from '@syncline/runtime';
import { pruneRound, runRetention, type RetentionDeps } from './retention.js';

const KEPT_MS = 90 * 86_400_000;
const quietRuntime = (): Runtime =>
  createRuntime({ service: 'test', logLevel: 'silent', stdout: 'stderr' });

interface Asked {
  changes: string[];
  tables: string[];
  after: (string | null)[];
}

/** A fleet of accounts `a0001`…, each with so many old events. */
function fleetOf(oldChanges: number[]): RetentionDeps & { asked: Asked } {
  const asked: Asked = { changes: [], tables: [], after: [] };
  const left = new Map(oldChanges.map((count, i) => [`a${String(i + 1).padStart(4, '0')}`, count]));
  const retention: RetentionDeps['store']['retention'] = {
    tables: {
      accounts: ['quota_ledger', 'channels', 'collections'],
      fleet: ['named_leases', 'project_failures'],
      log: ['feed_log'],
    },
    accounts: async ({ after, limit }) => {
      asked.after.push(after);
      return [...left]
        .filter(([id]) => after === null || id > after)
        .slice(0, limit)
        .map(([id, count]) => ({ id, hasOldChanges: count > 0 }));
    },
    pruneChanges: async (accountId, { limit }) => {
      asked.changes.push(accountId);
      const rows = Math.min(limit, left.get(accountId) ?? 0);
      left.set(accountId, (left.get(accountId) ?? 0) - rows);
      return rows;
    },
    pruneAccounts: async (table) => prunedNone(asked, table),
    pruneFleet: async (table) => prunedNone(asked, table),
    truncateEmptyLists: async () => prunedNone(asked, 'lists'),
    pruneLog: async (table) => prunedNone(asked, table),
  };
  return {
    asked,
    changesKeptMs: KEPT_MS,
    store: {
      retention,
      alone: async (_name, work) => ({ kind: 'done', result: await work(LEASE) }),
    },
  };
}

function prunedNone(asked: Asked, table: string): number {
  asked.tables.push(table);
  return 0;
}

const LEASE = { signal: new AbortController().signal, fence: async () => undefined };

test('a round prunes every table and the accounts that have old events, batch by batch', async () => {
  const deps = fleetOf([0, 2_500, 0, 1]);
  expect(await pruneRound(quietRuntime(), deps, null)).toEqual({ after: 'a0004', isOver: true });
  expect(deps.asked).toEqual({
    after: [null],
    tables: [
      'named_leases',
      'project_failures',
      'lists',
      'feed_log',
      'quota_ledger',
      'channels',
      'collections',
    ],
    changes: ['a0002', 'a0002', 'a0002', 'a0004'],
  });
});

test('a round ends after 200 batches, and the next one continues with the same account', async () => {
  const deps = fleetOf([1, 250_000]);
  const rt = quietRuntime();
  const first = await pruneRound(rt, deps, null);
  expect(first).toEqual({ after: 'a0001', isOver: false });
  const pruned = deps.asked.tables.filter((table) => table !== 'lists');
  expect(pruned.length + deps.asked.changes.length).toBe(200);
  expect(await pruneRound(rt, deps, first.after)).toEqual({ after: 'a0002', isOver: true });
  expect(deps.asked.changes.filter((id) => id === 'a0002')).toHaveLength(251);
});

test('a round takes 500 accounts, and the next one at those after them', async () => {
  const deps = fleetOf(Array.from({ length: 700 }, () => 0));
  const rt = quietRuntime();
  const first = await pruneRound(rt, deps, null);
  expect(first).toEqual({ after: 'a0500', isOver: false });
  expect(await pruneRound(rt, deps, first.after)).toEqual({ after: 'a0700', isOver: true });
});

test('no event is deleted when events are kept for ever', async () => {
  const deps = { ...fleetOf([5_000]), changesKeptMs: null };
  await pruneRound(quietRuntime(), deps, null);
  expect(deps.asked.changes).toEqual([]);
});

test('a scheduler without the lease prunes nothing, and asks again after an hour', async () => {
  const draining = new AbortController();
  const slept: number[] = [];
  const deps = fleetOf([5_000]);
  const rt: Runtime = {
    ...quietRuntime(),
    signal: draining.signal,
    clock: {
      now: () => new Date(0),
      nowMs: () => 0,
      sleep: async (ms) => {
        slept.push(ms);
        if (slept.length === 2) draining.abort();
      },
    },
  };
  const by = { host: 'h', pid: 1, since: new Date(0), endsInMs: 1 };
  await runRetention(rt, {
    ...deps,
    store: { ...deps.store, alone: async () => ({ kind: 'held', by }) },
  });
  expect([slept, deps.asked.after]).toEqual([[60_000, 3_600_000], []]);
});
