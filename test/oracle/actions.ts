import { cleared, listingLies, listingLosesItsPlace, listingNeverEnds } from './listings.js';
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
  type Stage,
} from './stage.js';
import { refuseRow, makeItemUnreadable } from './troubles.js';

/**
 * The possible actions and their weights. Every action is complete when it returns; nothing of it
 * continues in the background.
 */
const MENU: readonly (readonly [(stage: Stage) => Promise<string>, number])[] = [
  [usersAct, 30],
  [rareAct, 7],
  [bodyServing, 1],
  [makeItemUnreadable, 1.5],
  [refuseRow, 1],
  [listingLies, 3],
  [listingLosesItsPlace, 2.5],
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
  [redisForgets, 1],
  [tokensExpire, 2],
  [revoke, 2],
  [consentAnew, 2],
  [zombieOfOldGrant, 1.5],
  [commitBreaks, 3],
  [pageTokensDie, 1.5],
];

export async function actAtRandom(stage: Stage): Promise<void> {
  const action = stage.chance.weighted(MENU);
  stage.story.push(`${action.name}: ${await action(stage)}`);
}

async function usersAct(stage: Stage): Promise<string> {
  const count = stage.chance.between(1, 8);
  return `${stage.simulator.actAtRandom(count)} of ${count} actions`;
}

/** Rare actions of people, which mirrors handle wrongly most often. */
const RARE = [
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
] as const;
type RareAction = (typeof RARE)[number];

async function rareAct(stage: Stage): Promise<string> {
  const drawn = stage.chance.pick(RARE);
  const email = stage.chance.pick([...stage.accounts.keys()]);
  const opposite = OPPOSITES[drawn];
  const action =
    opposite && calendarsFor(stage, email, opposite).length > 0 && stage.chance.happens(0.5)
      ? opposite
      : drawn;
  const calendars = calendarsFor(stage, email, action);
  if (CALENDARS[action] && calendars.length === 0)
    return `${action}, of which there was nothing to do`;
  const about =
    calendars.length > 0 ? { calendarId: stage.chance.pick(calendars).calendar.id } : {};
  const { done } = stage.simulator.act(email, { action, ...about });
  if (!done) return `${action}, of which there was nothing to do`;
  note(stage, action);
  const back = OPPOSITES[action];
  if (!back || stage.chance.happens(0.5)) return action;
  const between = await work(stage);
  if (stage.simulator.act(email, { action: back, ...about }).done) note(stage, back);
  return `${action}; ${between}; ${back}`;
}

/** The actions that undo others; picked at random they seldom have anything to undo. */
const OPPOSITES: Partial<Record<RareAction, RareAction>> = {
  'calendar-hide': 'calendar-show',
  'calendar-acl-loss': 'calendar-acl-return',
};

function calendarsFor({ simulator }: Stage, email: string, action: RareAction): Entry[] {
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

async function work(stage: Stage): Promise<string> {
  const collections = await activeCollections(stage);
  if (collections.length === 0) return 'no account is active';
  return runOne(stage, stage.chance.pick(collections), chooseStop(stage.chance));
}

/**
 * Changes whether Google delivers a text within the message or separately, which makes no
 * difference to the mirror and may happen at any time.
 */
async function bodyServing(stage: Stage): Promise<string> {
  const inlineBytes = stage.chance.pick([50, 100_000]);
  await postToSimulator(stage, '/sim/bodies', { inlineBytes });
  if (inlineBytes === 50) note(stage, 'bodies handed out apart');
  return `up to ${inlineBytes} bytes inline`;
}

async function positionMissing(stage: Stage): Promise<string> {
  const kind = stage.chance.pick([
    'no-sync-token',
    'no-history-id',
    'garbled-history-id',
    'old-history-id',
  ] as const);
  stage.simulator.faults.add({ kind, count: stage.chance.between(1, 4) });
  return kind;
}

/**
 * Adds a label to messages that the catalogue does not name; then the history expires, so that
 * labels come from lists. The mirror knows the label by then: a label that no list names would not
 * be found later.
 */
async function labelUnlisted(stage: Stage): Promise<string> {
  const email = stage.chance.pick([...stage.accounts.keys()]);
  if (stage.simulator.faults.list().length > 0) return 'something else is wrong';
  const mailbox = (await activeCollections(stage)).find(
    ({ name }) => name === `default ${email} gmail mailbox`,
  );
  if (!mailbox || (await finish(stage, mailbox, 60_000)).kind !== 'caught-up')
    return 'the mailbox is not caught up';
  const { done } = stage.simulator.act(email, { action: 'label-unlist' });
  if (done) note(stage, 'label-unlist');
  if (done && stage.chance.happens(0.7)) stage.simulator.faults.add({ kind: 'expire-history' });
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
async function outage(stage: Stage): Promise<string> {
  const kind = stage.chance.pick(['500', '503', 'malformed-json'] as const);
  const methods = stage.chance.pick(OUTAGES);
  const email = stage.chance.pick([...stage.accounts.keys()]);
  for (let mails = stage.chance.between(1, 5); mails > 0; mails--)
    stage.simulator.act(email, { action: 'deliver' });
  const ids = methods.map(
    (method) => stage.simulator.faults.add({ kind, ...(method ? { method } : {}) }).id,
  );
  for (let tries = 0; tries < OUTAGE_TRIES; tries++) {
    const resting = await endlessCollections(stage);
    for (const collection of await activeCollections(stage))
      if (
        tries === 0 ||
        (collection.name.endsWith(' gmail mailbox') && !resting.has(collection.id))
      )
        await runOne(stage, collection, null).catch(() => undefined);
    await passTime(stage, OUTAGE_STEP_MS, true);
  }
  for (const id of ids) stage.simulator.faults.end(id);
  note(stage, methods === MESSAGES_ALONE ? 'outage of messages alone' : 'outage');
  return `${kind} of ${methods.join(', ') || 'everything'}`;
}

/**
 * Returns the collections whose last listing had no end. They are parked for at least a quarter of
 * an hour, which is longer than an outage; each of their tries may take a thousand calls.
 */
async function endlessCollections({ database }: Stage): Promise<Set<string>> {
  const { rows } = await database.pool.query<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE parked = 'endless'",
  );
  return new Set(rows.map(({ id }) => id));
}

async function callFault(stage: Stage): Promise<string> {
  const order = drawFault(stage.chance);
  // The fault strikes the next refresh, which comes with the next call.
  if (order.method === 'token') stage.simulator.clock.advance(HOUR_MS);
  stage.simulator.faults.add(order);
  return JSON.stringify(order);
}

async function worldFault(stage: Stage): Promise<string> {
  const kind = stage.chance.pick(['expire-history', 'invalid-sync-token'] as const);
  stage.simulator.faults.add({ kind });
  return kind;
}

async function fillKeyRing(stage: Stage): Promise<string> {
  const full = stage.chance.happens(0.5);
  await stage.engine.store.collections.requestSync(
    [stage.chance.pick([...stage.accounts.values()])],
    { full },
  );
  return full ? 'a full sync is wanted' : 'somebody rang';
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Lets time pass. After a week the history has expired, after a month the sync tokens and the
 * tombstones.
 */
async function timePasses(stage: Stage): Promise<string> {
  const ms = stage.chance.weighted([
    [5_000, 4],
    [60_000, 4],
    [11 * 60_000, 4],
    [8 * DAY_MS, 1],
    [31 * DAY_MS, 1],
  ]);
  await passTime(stage, ms, true);
  return `${ms} ms`;
}

async function redisForgets(stage: Stage): Promise<string> {
  await stage.engine.loseRedis();
  return 'every key of ours';
}

/**
 * Expires tokens at Google; the fleet's caches use their own clocks and still count them as valid.
 */
async function tokensExpire(stage: Stage): Promise<string> {
  stage.simulator.clock.advance(HOUR_MS);
  return 'an hour';
}

async function revoke(stage: Stage): Promise<string> {
  stage.simulator.faults.add({
    kind: 'revoke-grant',
    email: stage.chance.pick([...stage.accounts.keys()]),
  });
  return 'a user takes the grant back';
}

async function consentAnew(stage: Stage): Promise<string> {
  const email = stage.chance.pick([...stage.accounts.keys()]);
  await connect(stage, email, stage.simulator.consent(email), 'default');
  return 'a user consents';
}

/**
 * Stops a worker after a refusal, before it records it; meanwhile the user consents and another
 * worker continues.
 */
async function zombieOfOldGrant(stage: Stage): Promise<string> {
  const [first] = await activeCollections(stage);
  if (!first) return 'no account is active';
  stage.simulator.faults.add({ kind: 'revoke-grant', email: first.email });
  return runOne(
    stage,
    first,
    { kind: 'pause', at: 'store.accounts.requireReauth', side: 'before' },
    async () => {
      await connect(stage, first.email, stage.simulator.consent(first.email), 'default');
    },
  );
}

/**
 * Makes Postgres fail in the middle of one of the next commits: the run fails, is finished as
 * failed, and nothing of its page is stored.
 */
async function commitBreaks(stage: Stage): Promise<string> {
  const collections = await activeCollections(stage);
  if (collections.length === 0) return 'no account is active';
  await stage.database.pool.query(
    `UPDATE syncline.oracle_break SET at = (SELECT last_value FROM syncline.oracle_feed_writes) + $1`,
    [stage.chance.between(1, 3)],
  );
  try {
    return await runOne(stage, stage.chance.pick(collections), null);
  } catch (error) {
    if (error instanceof Error && error.message === 'the oracle broke this commit')
      return 'in the middle';
    throw error;
  } finally {
    await stage.database.pool.query('UPDATE syncline.oracle_break SET at = 0');
  }
}

/** Expires all page tokens at Google, which happens to tokens that are not used for long. */
async function pageTokensDie(stage: Stage): Promise<string> {
  const died = await stage.database.pool.query(
    `UPDATE syncline.collections SET cursor = CASE WHEN cursor ? 'listing' THEN jsonb_set(cursor, '{listing,pageToken}', '"forgotten"') ELSE jsonb_set(cursor, '{pageToken}', '"forgotten"') END
      WHERE coalesce(cursor #>> '{listing,pageToken}', cursor ->> 'pageToken') IS NOT NULL`,
  );
  return `${died.rowCount ?? 0} of them`;
}
