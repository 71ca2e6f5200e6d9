import type { HeldJob, Holders } from '@syncline/fleet';
import { type LogFields, type Clock, createRuntime, type Runtime } from '@syncline/runtime';
import type { Schedule } from '@syncline/store';
import { type ReaperDeps, runWorkerReaper } from './worker-reaper.js';
import { type DeadHolder, NO_HOLDERS, afterRelease, findDeadHolders } from './dead-holders.js';

const see = (...connected: string[]): Holders => ({
  connected: new Set(connected),
  announced: [],
  forMs: 60_000,
});

describe('who counts as dead', () => {
  test('a worker counts as missing after two checks about a second apart', () => {
    const met = findDeadHolders(NO_HOLDERS, see('a', 'b'), 0);
    const first = findDeadHolders(met.holderState, see('b'), 1_000);
    expect([met.dead, first.dead]).toEqual([[], []]);
    expect(findDeadHolders(first.holderState, see('b'), 1_500).dead).toEqual([]);
    expect(findDeadHolders(first.holderState, see('b'), 2_000).dead).toEqual([
      { holder: 'a', silentMs: 1_000 },
    ]);
  });

  test('not a holder that came back in between: its absence is counted from the start', () => {
    let { holderState } = findDeadHolders(NO_HOLDERS, see('a'), 0);
    for (const [at, seen] of [
      [1_000, see()],
      [1_500, see('a')],
      [2_000, see()],
    ] as const)
      holderState = findDeadHolders(holderState, seen, at).holderState;
    expect(findDeadHolders(holderState, see(), 2_500).dead).toEqual([]);
    expect(findDeadHolders(holderState, see(), 3_000).dead).toEqual([
      { holder: 'a', silentMs: 1_000 },
    ]);
  });

  test('none while our own connection is newer than the others may be', () => {
    let { holderState } = findDeadHolders(NO_HOLDERS, see('a'), 0);
    holderState = findDeadHolders(holderState, see(), 1_000).holderState;
    const cut = findDeadHolders(holderState, { ...see(), forMs: 1_000 }, 2_000);
    expect(cut.dead).toEqual([]);
    const after = findDeadHolders(cut.holderState, { ...see(), forMs: 2_000 }, 3_000);
    expect(after.dead).toEqual([]);
    expect(findDeadHolders(after.holderState, see(), 4_000).dead).toEqual([
      { holder: 'a', silentMs: 1_000 },
    ]);
  });

  test('a released worker is forgotten; one that lives is counted as missing from the start', () => {
    let { holderState } = findDeadHolders(NO_HOLDERS, see('a', 'b'), 0);
    holderState = findDeadHolders(holderState, see(), 1_000).holderState;
    const found = findDeadHolders(holderState, see(), 2_000);
    expect(found.dead.map(({ holder }) => holder)).toEqual(['a', 'b']);
    const rest = afterRelease(found.holderState, [
      { holder: 'a', alive: false },
      { holder: 'b', alive: true },
    ]);
    expect(findDeadHolders(rest, see(), 3_000).dead).toEqual([]);
    expect(
      findDeadHolders(findDeadHolders(rest, see(), 3_000).holderState, see(), 4_000).dead,
    ).toEqual([{ holder: 'b', silentMs: 1_000 }]);
  });
});

interface World {
  rt: Runtime;
  deps: ReaperDeps;
  seen: (Holders | null)[];
  held: HeldJob[];
  alive: Set<string>;
  done: string[];
  logged: string[];
}

/** The clock advances by a second with each check; after the last check the process drains. */
function world(): World {
  const [done, logged, draining] = [[] as string[], [] as string[], new AbortController()];
  let nowMs = 0;
  const clock: Clock = {
    now: () => new Date(nowMs),
    nowMs: () => nowMs,
    sleep: async () => undefined,
  };
  const rt = createRuntime({
    service: 'test',
    logLevel: 'silent',
    clock,
    random: { next: () => 0, uuid: () => '' },
    signal: draining.signal,
  });
  rt.log.warn = (fields: LogFields) => void logged.push(String(fields.event));
  const seen: World['seen'] = [];
  const alive = new Set<string>();
  const held: HeldJob[] = [];
  const releaseDeadWorkers = async (
    dead: readonly DeadHolder[],
    o: { jobs: readonly string[] },
  ): ReturnType<Schedule['releaseDeadWorkers']> => {
    done.push(`leases of ${dead.map(({ holder }) => holder).join()}, jobs ${o.jobs.join()}`);
    return dead.map(({ holder }) => ({
      holder,
      released: alive.has(holder) ? 0 : 1,
      alive: alive.has(holder),
    }));
  };
  const holders = async (): Promise<Holders | null> => {
    nowMs += 1_000;
    const next = seen.shift();
    if (seen.length === 0) draining.abort();
    return next ?? null;
  };
  return {
    rt,
    seen,
    held,
    alive,
    done,
    logged,
    deps: {
      store: { schedule: { releaseDeadWorkers } },
      fleet: {
        holders,
        heldJobs: async () => held,
        removeHolders: async (gone) => void done.push(`struck off ${gone.join()}`),
      },
    },
  };
}

const job = ({ done }: World, holder: string, collectionId: string): HeldJob => ({
  holder,
  collectionId,
  queue: 'gmail-full',
  giveBack: async () => done.push(`job ${collectionId}`) > 0,
});

test('first its leases are released, then its jobs are returned, and no others', async () => {
  const at = world();
  at.held.push(job(at, 'a', 'c1'), job(at, 'b', 'c2'), job(at, 'a', 'c3'));
  at.seen.push(see('a', 'b'), see('b'), see('b'), see('b'), see('b'));
  await runWorkerReaper(at.rt, at.deps);
  expect(at.done).toEqual(['leases of a, jobs c1,c3', 'job c1', 'job c3', 'struck off a']);
  expect(at.logged).toEqual(['worker_died']);
  expect((await at.rt.metrics.deadWorkers.get()).values[0]?.value).toBe(1);
});

test('who died before this scheduler began, or lived for less than a second, has said that it would work', async () => {
  const at = world();
  at.held.push(job(at, 'a', 'c1'));
  at.seen.push({ ...see('b'), announced: ['a'] }, { ...see('b'), announced: ['a', 'b'] });
  await runWorkerReaper(at.rt, at.deps);
  expect(at.done).toEqual(['leases of a, jobs c1', 'job c1', 'struck off a']);
});

test('who has touched a lease meanwhile keeps its jobs', async () => {
  const at = world();
  at.held.push(job(at, 'a', 'c1'));
  at.alive.add('a');
  at.seen.push(see('a'), see(), see());
  await runWorkerReaper(at.rt, at.deps);
  expect(at.done).toEqual(['leases of a, jobs c1']);
  expect(at.logged).toEqual([]);
});

test('what failed is done at the next check', async () => {
  const at = world();
  at.held.push(job(at, 'a', 'c1'));
  at.seen.push(see('a'), see(), see(), see());
  const { releaseDeadWorkers } = at.deps.store.schedule;
  let isAway = true;
  at.deps.store.schedule.releaseDeadWorkers = async (...args) => {
    if (!isAway) return releaseDeadWorkers(...args);
    isAway = false;
    throw new Error('terminating connection due to administrator command');
  };
  await runWorkerReaper(at.rt, at.deps);
  expect(at.done).toEqual(['leases of a, jobs c1', 'job c1', 'struck off a']);
  expect(at.logged).toEqual(['worker_reaper_failed', 'worker_died']);
});

test('a Redis that does not list its processes is logged once, and no worker is released because of it', async () => {
  const at = world();
  at.seen.push(see('a'), null, null, null, see(), see());
  await runWorkerReaper(at.rt, at.deps);
  expect(at.logged).toEqual(['connections_unreported']);
  expect(at.done).toEqual([]);
});
