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
  type OracleWorld,
} from './world.js';

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
    'store.leases.commitPage',
    'store.leases.finish',
    'google.gmail.profile',
    'google.gmail.getMessages',
    'google.gmail.history',
    'google.calendar.events',
    'google.people.connections',
    'google.people.otherContacts',
  ]);
  return {
    kind,
    at: chance.happens(0.4) ? named : chance.between(1, chance.pick([6, 12, 25])),
    side: chance.pick(['before', 'after'] as const),
  };
}

/** Makes one run of one worker, including its interruption; returns a description. */
export async function runOne(
  world: OracleWorld,
  collection: CollectionRow,
  stop: StopAt | null,
  meanwhile?: () => Promise<void>,
): Promise<string> {
  noteEndlessTry(world, collection);
  const sliceMs = world.chance.pick([0, 5, 60_000]);
  const ran = await world.engine.run(collection.id, { sliceMs, stop });
  const name = `${collection.name} (slice ${sliceMs})`;
  if (ran.kind === 'finished') return `${name} ended: ${ran.outcome.kind}`;
  // A crashed or paused worker may have received the refusal without recording it: the next worker
  // receives it again, by a call and a refresh.
  if (world.simulator.ledger.snapshot().faults['revoke-grant']) world.callsForgiven += 2;
  if (ran.kind === 'crashed') return `${name} crashed ${stop?.side} ${ran.where}`;
  world.log.push(`${name} pauses ${stop?.side} ${ran.where}`);
  await (meanwhile ?? ((): Promise<void> => pauseWithActivity(world)))();
  // A worker that has not claimed yet is not a zombie: it claims when it is resumed.
  const takenOver =
    meanwhile !== undefined ||
    (world.chance.happens(0.6) && !(ran.where === 'store.leases.claim' && stop?.side === 'before'));
  if (!takenOver) return `${name} continues: ${await resumeUnderRequest(world, collection, ran)}`;
  return `${name} continues as a zombie: ${await resumeAsZombie(world, collection, ran)}`;
}

/** Resumes the run after another worker has claimed the collection. */
async function resumeAsZombie(
  world: OracleWorld,
  collection: CollectionRow,
  ran: Extract<Ran, { kind: 'paused' }>,
): Promise<string> {
  await takeOver(world, collection);
  const before = await fencedState(world, collection);
  const outcome = await ran.resume().catch(notWithoutError);
  const after = await fencedState(world, collection);
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
  world: OracleWorld,
  collection: CollectionRow,
  ran: Extract<Ran, { kind: 'paused' }>,
): Promise<string> {
  const since = await world.engine.store.schedule.requestSync([collection.account_id]);
  const unclaimed = ran.where === 'store.leases.claim';
  const { kind } = await ran.resume();
  const behind = await world.engine.store.schedule.behindSince([collection.account_id], since);
  const known = (await activeCollections(world)).some(({ id }) => id === collection.id);
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

function notWithoutError(error: unknown): never {
  throw new Found(
    'a zombie ends quietly',
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  );
}

/** The activity while a worker is paused: users act, other collections are synced. */
async function pauseWithActivity(world: OracleWorld): Promise<void> {
  world.simulator.actAtRandom(world.chance.between(0, 4));
  if (world.chance.happens(0.5)) return;
  const others = await activeCollections(world);
  if (others.length === 0) return;
  const other = world.chance.pick(others);
  world.log.push(`  meanwhile ${other.name}: ${(await work(world, other, 60_000)).kind}`);
}

/** Expires the lease, and lets another worker claim the collection. */
async function takeOver(world: OracleWorld, collection: CollectionRow): Promise<void> {
  if (world.chance.happens(0.5)) await passTime(world, 10_000, true);
  await lapseLease(world, collection.id);
  world.log.push(
    `  another worker takes ${collection.name}: ${(await work(world, collection, 60_000)).kind}`,
  );
}

/** Returns everything that a worker writes under its lease. */
async function fencedState(
  world: OracleWorld,
  collection: CollectionRow,
): Promise<{ epoch: string | null }> {
  const rows = await world.database.pool.query<{ epoch: string | null }>(
    `SELECT c.lease_epoch AS epoch, c.cursor, c.phase, c.generation, c.state, c.error, c.failures, c.caught_up_at, c.next_sync_at, c.full_sync_requested, a.state AS account_state, a.feed_seq,
            (SELECT count(*) FROM syncline.full_sync_items w WHERE w.collection_id = c.id) AS full_sync_items
       FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE c.id = $1`,
    [collection.id],
  );
  return rows.rows[0] ?? { epoch: null };
}
