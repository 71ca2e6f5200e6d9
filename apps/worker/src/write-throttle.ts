/**
 * The write throttle: an order among the pages of full syncs. A page of a full sync is a dozen
 * statements that keep a core of Postgres and one of this process busy; when full syncs are at it
 * in every session, whatever syncs incrementally waits for each statement of its own, and the
 * worker itself for a core. So full syncs' pages take turns; and beside mailboxes that are followed
 * there is one turn, which rests after each page for a multiple of the time that the page took. The
 * busier the machine, the longer a page takes and the longer the rest: full syncs use what
 * incremental syncs leave. Without incremental work nothing pauses. Tenants take turns here as they
 * do when work is enqueued: three mailboxes that came after another tenant's two hundred waited
 * for seventeen of their pages before each of their own.
 *
 * Rejected: pauses of a fixed length (too long on a fast machine, too short on a busy one), and
 * lower priorities by the operating system (the sessions of Postgres are not ours to lower).
 */
import type { Runtime } from '@syncline/runtime';
import type { Committed, PageCommit, Store } from '@syncline/store';

export interface WriteThrottle {
  /** Does `work` when it is its turn: tenant by tenant, each in the order in which it came, but pages that bring what Google was paid for have three of four turns. */
  take<T>(page: ThrottledPage, work: () => Promise<T>): Promise<T>;
  /**
   * Incremental work is being served, or was: a notification brought the run, or it found a change.
   * A sync without changes delays no full sync.
   */
  incremental(): void;
  /** Ends the rests. */
  close(): void;
}

interface ThrottledPage {
  tenant: string;
  /** Google has had its price for what the page brings. */
  isPaid: boolean;
}

/**
 * How long incremental work is thought of: with a change a second, full syncs give way all the
 * time.
 */
const INCREMENTAL_WITHIN_MS = 1_000;
/** A rest, in pages. */
const PAUSES_A_PAGE = 4;
/** Lists cost next to no quota: two hundred new mailboxes would all be listed to their ends before the first message of any is stored, and the quota of minutes lost. */
const LISTING_EVERY = 4;
const PAUSE_LIMIT_MS = 2_000;

/**
 * Of the sessions, for pages of full syncs without incremental work. Measured with 1,000 mailboxes
 * in phase incremental while 200 others were synced in full, on two cores: with all sessions for
 * anybody a change was stored after 12 s (p50), with half of them for full syncs after 9 s, with two
 * after 0.2 s, with one that rests after 0.05 s.
 */
const THROTTLE_SHARE = 0.5;

/** A store whose pages of full syncs give way to incremental syncs of this process. */
export function throttleWrites(
  rt: Pick<Runtime, 'eventLoop' | 'clock'>,
  store: Store,
  poolSize: number,
): Store {
  const throttle = writeThrottle(rt, Math.max(1, Math.floor(poolSize * THROTTLE_SHARE)));
  return {
    ...store,
    leases: {
      ...store.leases,
      claim: async (collectionId) => {
        const claim = await store.leases.claim(collectionId);
        if (
          claim.kind === 'claimed' &&
          claim.lease.phase === 'incremental' &&
          claim.lease.notification.behind
        )
          throttle.incremental();
        return claim;
      },
      commitPage: (lease, commit) =>
        throttled(throttle, lease.tenant, commit, () => store.leases.commitPage(lease, commit)),
    },
    close: () => store.close().finally(() => throttle.close()),
  };
}

/**
 * Commits a page of a full sync when it is its turn, one in crash isolation and pages of increments
 * at once.
 */
async function throttled(
  throttle: WriteThrottle,
  tenant: string,
  { phase, crashIsolation, delta }: PageCommit,
  write: () => Promise<Committed>,
): Promise<Committed> {
  if (phase !== 'incremental')
    return crashIsolation
      ? write()
      : throttle.take({ tenant, isPaid: delta.kind !== 'none' }, write);
  const committed = await write();
  if (committed.created + committed.updated + committed.deleted > 0) throttle.incremental();
  return committed;
}

/** @param most turns at a time without incremental work */
export function writeThrottle(
  { clock, eventLoop }: Pick<Runtime, 'eventLoop' | 'clock'>,
  most: number,
): WriteThrottle {
  const paid = tenantLine();
  const listing = tenantLine();
  const closed = new AbortController();
  let taken = 0;
  let count = 0;
  let incrementalAtMs = Number.NEGATIVE_INFINITY;
  const begin = (): void => {
    for (const slots = slotsBeside(clock.nowMs() - incrementalAtMs, most); taken < slots; taken++) {
      const next =
        (count + 1) % LISTING_EVERY === 0
          ? (listing.next() ?? paid.next())
          : (paid.next() ?? listing.next());
      if (!next) return;
      count += 1;
      next();
    }
  };
  const handOn = (): void => {
    taken -= 1;
    begin();
  };
  return {
    take: async ({ tenant, isPaid }, work) => {
      const begun = new Promise<void>((resolve) => (isPaid ? paid : listing).join(tenant, resolve));
      begin();
      await begun;
      const beganMs = clock.nowMs();
      try {
        return await work();
      } finally {
        const pauseMs = pauseAfter(clock.nowMs() - beganMs, clock.nowMs() - incrementalAtMs);
        if (pauseMs > 0) void clock.sleep(pauseMs, closed.signal).then(handOn, handOn);
        else handOn();
      }
    },
    incremental: () => {
      incrementalAtMs = clock.nowMs();
      eventLoop.reportIncrementalWork();
    },
    close: () => closed.abort(new Error('the store is closed')),
  };
}

interface TenantLine {
  join(tenant: string, begin: () => void): void;
  next(): (() => void) | null;
}

/** Tenants in the order of their turns: one that has had its turn and has more moves to the end. */
function tenantLine(): TenantLine {
  const waiting = new Map<string, (() => void)[]>();
  return {
    join: (tenant, begin) => void waiting.set(tenant, [...(waiting.get(tenant) ?? []), begin]),
    next: () => {
      for (const [tenant, [begin, ...others]] of waiting) {
        waiting.delete(tenant);
        if (others.length > 0) waiting.set(tenant, others);
        return begin ?? null;
      }
      return null;
    },
  };
}

/** How many turns there are when incremental work was served `sinceIncrementalMs` ago. Pure. */
export function slotsBeside(sinceIncrementalMs: number, most: number): number {
  return sinceIncrementalMs > INCREMENTAL_WITHIN_MS ? most : 1;
}

/**
 * How long a turn rests after a page that took `tookMs`, when incremental work was served
 * `sinceIncrementalMs` ago. Pure.
 */
export function pauseAfter(tookMs: number, sinceIncrementalMs: number): number {
  return sinceIncrementalMs > INCREMENTAL_WITHIN_MS
    ? 0
    : Math.min(PAUSE_LIMIT_MS, PAUSES_A_PAGE * tookMs);
}
