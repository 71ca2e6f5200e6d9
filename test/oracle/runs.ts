import type { Chance } from './chance.js';
import type { Ran } from './engine.js';
import type { StopAt } from './interruption.js';
import {
  activeCollections,
  Found,
  lapseLease,
  noteEndlessTry,
  passTime,
  work,
  type CollectionRow,
  type Stage,
} from './stage.js';

/**
 * Chooses how a run is interrupted. Half of the runs are not; the others crash, pause or drain at
 * any of their awaits.
 */
export function chooseStop(chance: Chance): StopAt | null {
  const kind = chance.weighted<StopAt['kind'] | null>([
    [null, 5],
    ['crash', 2],
    ['pause', 2],
    ['drain', 1],
  ]);
  if (!kind) return null;
  const named = chance.pick([
    'store.commitPage',
    'store.lease.finish',
    'google.gmail.profile',
    'google.gmail.getMessages',
    'google.gmail.history',
    'google.calendar.events',
  ]);
  return {
    kind,
    at: chance.happens(0.4) ? named : chance.between(1, chance.pick([6, 12, 25])),
    side: chance.pick(['before', 'after'] as const),
  };
}

/** Makes one run of one worker, including its interruption; returns a description. */
export async function runOne(
  stage: Stage,
  collection: CollectionRow,
  stop: StopAt | null,
  meanwhile?: () => Promise<void>,
): Promise<string> {
  noteEndlessTry(stage, collection);
  const sliceMs = stage.chance.pick([0, 5, 60_000]);
  const ran = await stage.engine.run(collection.id, { sliceMs, stop });
  const name = `${collection.name} (slice ${sliceMs})`;
  if (ran.kind === 'finished') return `${name} ended: ${ran.outcome.kind}`;
  // A crashed or paused worker may have received the refusal without recording it: the next worker
  // receives it again, by a call and a refresh.
  if (stage.simulator.ledger.snapshot().faults['revoke-grant']) stage.callsForgiven += 2;
  if (ran.kind === 'crashed') return `${name} crashed ${stop?.side} ${ran.where}`;
  stage.story.push(`${name} pauses ${stop?.side} ${ran.where}`);
  await (meanwhile ?? ((): Promise<void> => livelyPause(stage)))();
  // A worker that has not claimed yet is not a zombie: it claims when it is resumed.
  const takenOver =
    meanwhile !== undefined ||
    (stage.chance.happens(0.6) && !(ran.where === 'store.lease.claim' && stop?.side === 'before'));
  if (!takenOver) return `${name} wakes up: ${await resumeUnderRequest(stage, collection, ran)}`;
  return `${name} wakes up as a zombie: ${await resumeAsZombie(stage, collection, ran)}`;
}

/** Resumes the run after another worker has claimed the collection. */
async function resumeAsZombie(
  stage: Stage,
  collection: CollectionRow,
  ran: Extract<Ran, { kind: 'paused' }>,
): Promise<string> {
  await takeOver(stage, collection);
  const before = await fencedState(stage, collection);
  const outcome = await ran.resume().catch(notQuietly);
  const after = await fencedState(stage, collection);
  const zombie =
    before.epoch !== null && BigInt(before.epoch) >= BigInt(collection.lease_epoch) + 2n;
  if (zombie && ran.commitsSince() > 0)
    throw new Found(
      'a zombie writes nothing',
      `${collection.name} committed ${ran.commitsSince()} pages under the lease of another`,
    );
  if (zombie && JSON.stringify(before) !== JSON.stringify(after)) {
    throw new Found(
      'a zombie writes nothing',
      `${collection.name} was ${JSON.stringify(before)} and became ${JSON.stringify(after)}`,
    );
  }
  return outcome.kind;
}

/**
 * Sends a sync request while a run is paused: what that run has read cannot serve the request,
 * whatever its outcome.
 */
async function resumeUnderRequest(
  stage: Stage,
  collection: CollectionRow,
  ran: Extract<Ran, { kind: 'paused' }>,
): Promise<string> {
  const since = await stage.engine.store.collections.requestSync([collection.account_id]);
  const unclaimed = ran.where === 'store.lease.claim';
  const { kind } = await ran.resume();
  const behind = await stage.engine.store.collections.behindSince([collection.account_id], since);
  const known = (await activeCollections(stage)).some(({ id }) => id === collection.id);
  if (
    !unclaimed &&
    known &&
    !behind.some((c) => collection.name.endsWith(` ${c.kind} ${c.externalId}`))
  ) {
    throw new Found(
      'a run serves only older requests',
      `${collection.name}, paused at ${ran.where}, ended ${kind} and counts as serving a request that came later`,
    );
  }
  return kind;
}

function notQuietly(error: unknown): never {
  throw new Found(
    'a zombie ends quietly',
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  );
}

/** The activity while a worker is paused: users act, other collections are synced. */
async function livelyPause(stage: Stage): Promise<void> {
  stage.simulator.actAtRandom(stage.chance.between(0, 4));
  if (stage.chance.happens(0.5)) return;
  const others = await activeCollections(stage);
  if (others.length === 0) return;
  const other = stage.chance.pick(others);
  stage.story.push(`  meanwhile ${other.name}: ${(await work(stage, other, 60_000)).kind}`);
}

/** Expires the lease, and lets another worker claim the collection. */
async function takeOver(stage: Stage, collection: CollectionRow): Promise<void> {
  if (stage.chance.happens(0.5)) await passTime(stage, 10_000, true);
  await lapseLease(stage, collection.id);
  stage.story.push(
    `  another worker takes ${collection.name}: ${(await work(stage, collection, 60_000)).kind}`,
  );
}

/** Returns everything that a worker writes under its lease. */
async function fencedState(
  stage: Stage,
  collection: CollectionRow,
): Promise<{ epoch: string | null }> {
  const rows = await stage.database.pool.query<{ epoch: string | null }>(
    `SELECT c.lease_epoch AS epoch, c.cursor, c.phase, c.generation, c.state, c.error, c.failures, c.caught_up_at, c.next_sync_at, c.full_sync_requested, a.state AS account_state, a.feed_seq,
            (SELECT count(*) FROM syncline.full_sync_items w WHERE w.collection_id = c.id) AS full_sync_items
       FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE c.id = $1`,
    [collection.id],
  );
  return rows.rows[0] ?? { epoch: null };
}
