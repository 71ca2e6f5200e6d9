import {
  cleared,
  listingOmitsItems,
  listingLosesPageToken,
  listingNeverEnds,
  messagesNotFound,
} from './listings.js';
import { drawFault } from './faults.js';
import { chooseStop, runOne } from './runs.js';
import { removeSecond, renamed, secondTenant, wrongAccount } from './people.js';
import {
  activeCollections,
  connect,
  note,
  passTime,
  postToSimulator,
  work as finish,
  type OracleWorld,
} from './world.js';
import { refuseRow, makeItemUnreadable } from './item-faults.js';

/**
 * The possible actions and their weights. Every action is complete when it returns; nothing of it
 * continues in the background.
 */
const ACTIONS: readonly (readonly [(world: OracleWorld) => Promise<string>, number])[] = [
  [usersAct, 30],
  [rareAction, 7],
  [bodyServing, 1],
  [makeItemUnreadable, 1.5],
  [refuseRow, 1],
  [messagesNotFound, 1],
  [listingOmitsItems, 3],
  [listingLosesPageToken, 2.5],
  [cleared, 1.2],
  [listingNeverEnds, 1.5],
  [positionMissing, 1],
  [labelUnlisted, 1],
  [outage, 1.3],
  [wrongAccount, 2],
  [renamed, 1.5],
  [secondTenant, 1],
  [removeSecond, 1],
  [work, 40],
  [callFault, 14],
  [worldFault, 4],
  [fillKeyRing, 3],
  [timePasses, 9],
  [redisLosesKeys, 1],
  [tokensExpire, 2],
  [revoke, 2],
  [consentAnew, 2],
  [zombieOfOldGrant, 1.5],
  [commitFails, 3],
  [pageTokensExpire, 1.5],
];

export async function actAtRandom(world: OracleWorld): Promise<void> {
  const action = world.chance.weighted(ACTIONS);
  world.log.push(`${action.name}: ${await action(world)}`);
}

async function usersAct(world: OracleWorld): Promise<string> {
  const count = world.chance.between(1, 8);
  return `${world.simulator.actAtRandom(count)} of ${count} actions`;
}

/** Rare actions of people, which mirrors handle wrongly most often. */
const RARE_ACTIONS = [
  'draft-save',
  'draft-send',
  'label-create',
  'label-rename',
  'label-delete',
  'delete',
  'calendar-create',
  'calendar-delete',
  'calendar-hide',
  'calendar-show',
  'calendar-acl-loss',
  'calendar-acl-loss',
  'calendar-acl-return',
  'calendar-role',
  'event-move-organizer',
  'event-cancel-instance',
  'event-leave-series',
  'event-leave-series',
  'event-cancel-orphan',
  'event-delete',
  'event-delete',
  'contact-merge',
  'contact-merge',
  'contact-link',
  'contact-delete',
  'other-promote',
  'group-delete',
] as const;
type RareAction = (typeof RARE_ACTIONS)[number];

async function rareAction(world: OracleWorld): Promise<string> {
  const drawn = world.chance.pick(RARE_ACTIONS);
  const email = world.chance.pick([...world.accounts.keys()]);
  const opposite = OPPOSITES[drawn];
  const action =
    opposite && calendarsFor(world, email, opposite).length > 0 && world.chance.happens(0.5)
      ? opposite
      : drawn;
  const calendars = calendarsFor(world, email, action);
  if (CALENDARS[action] && calendars.length === 0)
    return `${action}, of which there was nothing to do`;
  const about =
    calendars.length > 0 ? { calendarId: world.chance.pick(calendars).calendar.id } : {};
  const { done } = world.simulator.act(email, { action, ...about });
  if (!done) return `${action}, of which there was nothing to do`;
  note(world, action);
  const back = OPPOSITES[action];
  if (!back || world.chance.happens(0.5)) return action;
  const between = await work(world);
  if (world.simulator.act(email, { action: back, ...about }).done) note(world, back);
  return `${action}; ${between}; ${back}`;
}

/** The actions that undo others; picked at random they seldom have anything to undo. */
const OPPOSITES: Partial<Record<RareAction, RareAction>> = {
  'calendar-hide': 'calendar-show',
  'calendar-acl-loss': 'calendar-acl-return',
};

function calendarsFor({ simulator }: OracleWorld, email: string, action: RareAction): Entry[] {
  const isOfKind = CALENDARS[action];
  if (!isOfKind) return [];
  return (simulator.world.get(email)?.shelf.all() ?? []).filter(
    (entry) => !entry.deleted && entry.accessRole === 'owner' && isOfKind(entry),
  );
}

/** The calendars to which an action applies. */
const CALENDARS: Partial<Record<RareAction, (entry: Entry) => boolean>> = {
  'calendar-hide': (entry) => !entry.primary && !entry.lost && !entry.hidden,
  'calendar-show': (entry) => !entry.primary && !entry.lost && entry.hidden,
  'calendar-acl-loss': (entry) => !entry.primary && !entry.lost,
  'calendar-acl-return': (entry) => !entry.primary && entry.lost,
  'event-leave-series': ({ lost, calendar }) =>
    !lost && calendar.current().some(({ body }) => body.recurrence !== undefined),
};

interface Entry {
  primary: boolean;
  lost: boolean;
  hidden: boolean;
  calendar: { id: string; current(): { body: { recurrence?: unknown } }[] };
}

async function work(world: OracleWorld): Promise<string> {
  const collections = await activeCollections(world);
  if (collections.length === 0) return 'no account is active';
  return runOne(world, world.chance.pick(collections), chooseStop(world.chance));
}

/**
 * Changes whether Google delivers a text within the message or separately, which makes no
 * difference to the mirror and may happen at any time.
 */
async function bodyServing(world: OracleWorld): Promise<string> {
  const inlineBytes = world.chance.pick([50, 100_000]);
  await postToSimulator(world, '/sim/bodies', { inlineBytes });
  if (inlineBytes === 50) note(world, 'bodies returned separately');
  return `up to ${inlineBytes} bytes inline`;
}

async function positionMissing(world: OracleWorld): Promise<string> {
  const kind = world.chance.pick([
    'no-sync-token',
    'no-history-id',
    'garbled-history-id',
    'old-history-id',
  ] as const);
  world.simulator.faults.add({ kind, count: world.chance.between(1, 4) });
  return kind;
}

/**
 * Adds a label to messages that the catalogue does not name; then the history expires, so that
 * labels come from lists. The mirror knows the label by then: a label that no list names would not
 * be found later.
 */
async function labelUnlisted(world: OracleWorld): Promise<string> {
  const email = world.chance.pick([...world.accounts.keys()]);
  if (world.simulator.faults.list().length > 0) return 'something else is wrong';
  const mailbox = (await activeCollections(world)).find(
    ({ name }) => name === `default ${email} gmail mailbox`,
  );
  if (!mailbox || (await finish(world, mailbox, 60_000)).kind !== 'caught-up')
    return 'the mailbox is not caught up';
  const { done } = world.simulator.act(email, { action: 'label-unlist' });
  if (done) note(world, 'label-unlist');
  if (done && world.chance.happens(0.7)) world.simulator.faults.add({ kind: 'expire-history' });
  return done ? email : 'there is no label';
}

const MESSAGES_ALONE = ['messages.get', 'threads.get'];
/**
 * The sets of methods that fail in an outage: all, messages with their batches, or messages within
 * batches that are answered.
 */
const OUTAGES: readonly (readonly (string | undefined)[])[] = [
  [undefined],
  ['messages.get', 'threads.get', 'batch'],
  MESSAGES_ALONE,
  MESSAGES_ALONE,
];
const OUTAGE_TRIES = 6;
/** Longer than any delay between two tries of an item: each step is a try of every item. */
const OUTAGE_STEP_MS = 55_000;

/**
 * For five minutes Google returns only errors, or lists but no messages, while mail arrives and the
 * fleet continues to try.
 */
async function outage(world: OracleWorld): Promise<string> {
  const kind = world.chance.pick(['500', '503', 'malformed-json'] as const);
  const methods = world.chance.pick(OUTAGES);
  const email = world.chance.pick([...world.accounts.keys()]);
  for (let mails = world.chance.between(1, 5); mails > 0; mails--)
    world.simulator.act(email, { action: 'deliver' });
  const ids = methods.map(
    (method) => world.simulator.faults.add({ kind, ...(method ? { method } : {}) }).id,
  );
  for (let tries = 0; tries < OUTAGE_TRIES; tries++) {
    const resting = await endlessCollections(world);
    for (const collection of await activeCollections(world))
      if (
        tries === 0 ||
        (collection.name.endsWith(' gmail mailbox') && !resting.has(collection.id))
      )
        await runOne(world, collection, null).catch(() => undefined);
    await passTime(world, OUTAGE_STEP_MS, true);
  }
  for (const id of ids) world.simulator.faults.end(id);
  note(world, methods === MESSAGES_ALONE ? 'outage of messages alone' : 'outage');
  return `${kind} of ${methods.join(', ') || 'everything'}`;
}

/**
 * Returns the collections whose last listing had no end. They are parked for at least a quarter of
 * an hour, which is longer than an outage; each of their tries may take a thousand calls.
 */
async function endlessCollections({ database }: OracleWorld): Promise<Set<string>> {
  const { rows } = await database.pool.query<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE parked = 'endless'",
  );
  return new Set(rows.map(({ id }) => id));
}

async function callFault(world: OracleWorld): Promise<string> {
  const order = drawFault(world.chance);
  // The fault strikes the next refresh, which comes with the next call.
  if (order.method === 'token') world.simulator.clock.advance(HOUR_MS);
  world.simulator.faults.add(order);
  return JSON.stringify(order);
}

async function worldFault(world: OracleWorld): Promise<string> {
  const kind = world.chance.pick(['expire-history', 'invalid-sync-token'] as const);
  const method = world.chance.pick([undefined, 'people.connections.list', 'otherContacts.list']);
  const ofOneList = kind === 'invalid-sync-token' && method !== undefined;
  world.simulator.faults.add({ kind, ...(ofOneList ? { method } : {}) });
  return ofOneList ? `${kind} of ${method}` : kind;
}

async function fillKeyRing(world: OracleWorld): Promise<string> {
  const full = world.chance.happens(0.5);
  await world.engine.store.schedule.requestSync([world.chance.pick([...world.accounts.values()])], {
    full,
  });
  return full ? 'a full sync is wanted' : 'somebody rang';
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Lets time pass. After a week the history and the sync tokens of contacts have expired, after a
 * month the other sync tokens and the tombstones; on the sixth day contacts are synced in full.
 */
async function timePasses(world: OracleWorld): Promise<string> {
  const ms = world.chance.weighted([
    [5_000, 4],
    [60_000, 4],
    [11 * 60_000, 4],
    [5.5 * DAY_MS, 1],
    [8 * DAY_MS, 1],
    [31 * DAY_MS, 1],
  ]);
  await passTime(world, ms, true);
  return `${ms} ms`;
}

async function redisLosesKeys(world: OracleWorld): Promise<string> {
  await world.engine.loseRedis();
  return 'every key of ours';
}

/**
 * Expires tokens at Google; the fleet's caches use their own clocks and still count them as valid.
 */
async function tokensExpire(world: OracleWorld): Promise<string> {
  world.simulator.clock.advance(HOUR_MS);
  return 'an hour';
}

async function revoke(world: OracleWorld): Promise<string> {
  world.simulator.faults.add({
    kind: 'revoke-grant',
    email: world.chance.pick([...world.accounts.keys()]),
  });
  return 'a user takes the grant back';
}

async function consentAnew(world: OracleWorld): Promise<string> {
  const email = world.chance.pick([...world.accounts.keys()]);
  await connect(world, email, world.simulator.consent(email), 'default');
  return 'a user consents';
}

/**
 * Stops a worker after a refusal, before it records it; meanwhile the user consents and another
 * worker continues.
 */
async function zombieOfOldGrant(world: OracleWorld): Promise<string> {
  const [first] = await activeCollections(world);
  if (!first) return 'no account is active';
  world.simulator.faults.add({ kind: 'revoke-grant', email: first.email });
  return runOne(
    world,
    first,
    { kind: 'pause', at: 'store.leases.requireReauth', side: 'before' },
    async () => {
      await connect(world, first.email, world.simulator.consent(first.email), 'default');
    },
  );
}

/**
 * Makes Postgres fail in the middle of one of the next commits: the run fails, is finished as
 * failed, and nothing of its page is stored.
 */
async function commitFails(world: OracleWorld): Promise<string> {
  const collections = await activeCollections(world);
  if (collections.length === 0) return 'no account is active';
  await world.database.pool.query(
    `UPDATE syncline.oracle_break SET at = (SELECT last_value FROM syncline.oracle_feed_writes) + $1`,
    [world.chance.between(1, 3)],
  );
  try {
    return await runOne(world, world.chance.pick(collections), null);
  } catch (error) {
    if (error instanceof Error && error.message === 'the oracle broke this commit')
      return 'in the middle';
    throw error;
  } finally {
    await world.database.pool.query('UPDATE syncline.oracle_break SET at = 0');
  }
}

/** Expires all page tokens at Google, which happens to tokens that are not used for long. */
async function pageTokensExpire(world: OracleWorld): Promise<string> {
  const died = await world.database.pool.query(
    `UPDATE syncline.collections SET cursor = CASE WHEN cursor ? 'listing' THEN jsonb_set(cursor, '{listing,pageToken}', '"forgotten"') ELSE jsonb_set(cursor, '{pageToken}', '"forgotten"') END
      WHERE coalesce(cursor #>> '{listing,pageToken}', cursor ->> 'pageToken') IS NOT NULL`,
  );
  return `${died.rowCount ?? 0} of them`;
}
