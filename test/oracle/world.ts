import { randomBytes } from 'node:crypto';
import { startSimulator, type Simulator } from '@syncline/simulator';
import { openStore, type CollectionKind, type Store } from '@syncline/store';
import type { Outcome } from '@syncline/sync';
import { Redis } from 'ioredis';
import { redisUrl, testDatabase, testRuntime, type TestDatabase } from '../support/database.js';
import { chanceOf, type Chance } from './chance.js';
import { openEngine, QUOTA_SCALE, type Engine } from './engine.js';
import type { StopAt } from './interruption.js';

/**
 * Thrown by a check that found an error of the engine. Any other error counts as a failure too, but
 * is less specific.
 */
export class Found extends Error {
  constructor(
    readonly check: string,
    what: string,
  ) {
    super(`${check}: ${what}`);
  }
}

/** Servers and the database that all seeds of a process share. */
export interface OracleEnvironment {
  database: TestDatabase;
  redis: Redis;
  /** Tables whose rows belong to an account. */
  accountTables: string[];
  /** One store for all seeds: opening Prisma's client takes a third of a second. */
  store: Store;
  close(): Promise<void>;
}

export async function openEnvironment(): Promise<OracleEnvironment> {
  const database = await testDatabase();
  await database.pool.query(BREAKABLE);
  const owned = await database.pool.query<{ name: string }>(
    `SELECT c.table_name AS name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
      WHERE c.table_schema = 'syncline' AND c.column_name = 'account_id' AND t.table_type = 'BASE TABLE' ORDER BY 1`,
  );
  const redis = new Redis(redisUrl());
  const store = await openStore(testRuntime(), {
    databaseUrl: database.url,
    masterKey: randomBytes(32),
    poolSize: 5,
  });
  return {
    database,
    redis,
    store,
    accountTables: owned.rows.map(({ name }) => name),
    async close() {
      redis.disconnect();
      await store.close();
      await database.drop();
    },
  };
}

/**
 * Makes the n-th statement from now on that writes to the feed fail, once. It counts with a
 * sequence, which a rollback does not reset. This breaks a commit in its middle, which no proxy can
 * do.
 */
const BREAKABLE = `
  CREATE SEQUENCE syncline.oracle_feed_writes;
  CREATE TABLE syncline.oracle_break (at bigint NOT NULL);
  INSERT INTO syncline.oracle_break VALUES (0);
  CREATE FUNCTION syncline.oracle_break_feed() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF nextval('syncline.oracle_feed_writes') = (SELECT at FROM syncline.oracle_break) THEN RAISE EXCEPTION 'the oracle broke this commit'; END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER oracle_break AFTER INSERT ON syncline.changes FOR EACH STATEMENT EXECUTE FUNCTION syncline.oracle_break_feed();
  CREATE TABLE syncline.oracle_refused (id text NOT NULL);
  CREATE FUNCTION syncline.oracle_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF EXISTS (SELECT 1 FROM syncline.oracle_refused r WHERE r.id = NEW.id) THEN RAISE EXCEPTION 'the oracle refuses this row' USING ERRCODE = '23514'; END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER oracle_refuse BEFORE INSERT OR UPDATE ON syncline.gmail_messages FOR EACH ROW EXECUTE FUNCTION syncline.oracle_refuse();
  CREATE TABLE syncline.oracle_quarantined (account_id uuid NOT NULL, item_id text NOT NULL, reason text NOT NULL);
  CREATE FUNCTION syncline.oracle_quarantine() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO syncline.oracle_quarantined VALUES (NEW.account_id, NEW.item_id, NEW.reason);
    RETURN NULL;
  END $$;
  CREATE TRIGGER oracle_quarantine AFTER INSERT ON syncline.quarantined_items FOR EACH ROW EXECUTE FUNCTION syncline.oracle_quarantine()`;

/**
 * One seed's world: a simulated Google with one or two small accounts, and the engine that mirrors
 * them.
 */
export interface OracleWorld {
  chance: Chance;
  simulator: Simulator;
  database: TestDatabase;
  engine: Engine;
  /** The mirrored accounts' ids by address. */
  accounts: Map<string, string>;
  /** Ids of accounts with a grant of their own person, which nothing proves. */
  consentedAgain: Set<string>;
  /**
   * Allowed calls after a refused grant: the worker that received the refusal has ended for another
   * reason.
   */
  callsForgiven: number;
  /**
   * Number of runs of collections that were parked because their last listing had no end, by kind.
   */
  endlessTries: Map<CollectionKind, number>;
  /** The events in order: printed when the seed fails. */
  log: string[];
  /** Messages with faults of their own, by id, and their owners: see item-faults.ts. */
  failingItems: Map<string, string>;
  /** How often a full listing lacked items, by the account's id and the collection's kind. */
  shortListings: Map<string, number>;
  /** Events that the simulator's ledger does not count, by name: see `note`. */
  fired: Map<string, number>;
  close(): Promise<void>;
}

export async function openWorld(
  environment: OracleEnvironment,
  seed: number,
): Promise<OracleWorld> {
  const chance = chanceOf(seed);
  const { database } = environment;
  await database.pool.query(
    ['accounts', ...environment.accountTables, 'oracle_refused']
      .map((table) => `DELETE FROM syncline.${table}`)
      .join(';'),
  );
  // A sweep of a few rows needs no evidence, so some worlds are large enough for a sweep that does.
  const isLarge = chance.happens(0.12);
  const simulator = await startSimulator({
    seed,
    nowMs: START_MS,
    tokenLatencyMs: 0,
    bodyBytes: 300,
    accounts: chance.happens(0.4) ? 2 : 1,
    messagesPerAccount: isLarge ? 60 : chance.between(5, 30),
    calendarsPerAccount: chance.between(1, 3),
    eventsPerCalendar: isLarge ? 14 : chance.between(2, 8),
    contactsPerAccount: isLarge ? 24 : chance.between(0, 10),
    largestPage: chance.pick([3, 7, 500]),
    shortCalendarPages: chance.happens(0.3),
    shortGmailPages: chance.happens(0.3),
    shortPeoplePages: chance.happens(0.3),
    propagationDelayMs: chance.pick([0, 0, 120_000]),
    threadLength: chance.pick([1, 3, 6]),
    freshMessageLagMs: chance.pick([0, 0, 1_500]),
    bodyCharset: chance.pick(['declared', 'utf-8'] as const),
    // With `openid` Google names the owner of a grant; without it the stored messages prove it.
    scopes: chance.pick([[], ['openid', 'email']]).concat(SCOPES),
    quota: { scale: QUOTA_SCALE },
  });
  const engine = await openEngine(
    simulator,
    environment.store,
    { lose: (prefix) => loseKeys(environment.redis, prefix) },
    chance,
  );
  const world: OracleWorld = {
    chance,
    simulator,
    database,
    engine,
    accounts: new Map(),
    callsForgiven: 0,
    endlessTries: new Map(),
    log: [],
    failingItems: new Map(),
    shortListings: new Map(),
    fired: new Map(),
    consentedAgain: new Set(),
    async close() {
      await engine.close();
      await simulator.close();
    },
  };
  for (const { email, refreshToken } of simulator.accounts())
    world.accounts.set(email, await connect(world, email, refreshToken, 'default'));
  return world;
}

/** Counts an event that a long run must include often enough to be meaningful. */
export function note(world: OracleWorld, happening: string, times = 1): void {
  world.fired.set(happening, (world.fired.get(happening) ?? 0) + times);
}

/**
 * Calls a function that the simulator offers over HTTP only.
 * @throws Error with the simulator's message when it refuses
 */
export async function postToSimulator(
  world: OracleWorld,
  route: string,
  body: unknown,
): Promise<unknown> {
  const answer = await fetch(`${world.simulator.url}${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${route}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const SCOPES = [
  'gmail.readonly',
  'calendar.readonly',
  'contacts.readonly',
  'contacts.other.readonly',
];

/** A fixed time: the worlds of one seed are the same on every day. */
const START_MS = Date.UTC(2026, 10, 2, 9);

export async function connect(
  world: OracleWorld,
  email: string,
  refreshToken: string,
  tenant: string,
): Promise<string> {
  const { id } = await world.engine.store.accounts.import({
    email: await knownAddress(world, email, tenant),
    refreshToken,
    tenant,
    resources: ['gmail', 'calendar', 'contacts'],
  });
  return id;
}

/** Returns the mirror's address of a person, who may have another address by now. */
async function knownAddress(world: OracleWorld, email: string, tenant: string): Promise<string> {
  const id = tenant === 'default' ? world.accounts.get(email) : undefined;
  return (await accountsOf(world)).find((account) => account.id === id)?.email ?? email;
}

async function loseKeys(redis: Redis, prefix: string): Promise<void> {
  const keys = await redis.keys(`*${prefix}*`);
  if (keys.length > 0) await redis.del(...keys);
}

/**
 * Returns the accounts. The store's own list reads much more than a seed needs, and would take a
 * quarter of a seed's time.
 */
export async function accountsOf(
  world: OracleWorld,
): Promise<{ id: string; email: string; tenant: string; state: string; reason: string | null }[]> {
  return (
    await world.database.pool.query(
      'SELECT id, email, tenant, state, reason FROM syncline.accounts ORDER BY tenant, email',
    )
  ).rows;
}

export interface CollectionRow {
  id: string;
  name: string;
  account_id: string;
  email: string;
  lease_epoch: string;
  kind: CollectionKind;
  /** Why the collection is parked, if it is. */
  parked: string | null;
}

/**
 * Returns the collections that a worker could be given, in an order that does not depend on their
 * random ids; with `behindSince`, those that no run begun after it has served.
 */
export async function activeCollections(
  world: OracleWorld,
  behindSince: string | null = null,
): Promise<CollectionRow[]> {
  const rows = await world.database.pool.query<CollectionRow>(
    `SELECT c.id, c.account_id, c.lease_epoch, c.kind, c.parked, a.email, a.tenant || ' ' || a.email || ' ' || c.kind || ' ' || c.external_id AS name
       FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE c.state = 'active' AND a.state = 'active' AND ($1::timestamptz IS NULL OR c.caught_up_at IS NULL OR c.caught_up_at <= $1)
      ORDER BY (a.tenant || ' ' || a.email || ' ' || c.kind || ' ' || c.external_id) COLLATE "C"`,
    [behindSince],
  );
  return rows.rows;
}

/**
 * Ends all waits: snoozes, visibility times, items' delays, and the leases and checks of dead
 * workers. With `sentAway` the fleet gets a new Redis, if any run did not end undisturbed.
 */
export async function passTime(world: OracleWorld, ms: number, sentAway: boolean): Promise<void> {
  world.simulator.clock.advance(ms);
  await world.database.pool.query(
    `UPDATE syncline.collections SET lease_until = NULL, next_sync_at = CASE WHEN next_sync_at < '9999-01-01' THEN least(next_sync_at, now()) ELSE next_sync_at END`,
  );
  // A worker that crashed during the check of a grant blocks the account's other runs for a minute.
  await world.database.pool.query(
    `UPDATE syncline.accounts SET checking_until = checking_until - interval '${ms} ms' WHERE checking_until IS NOT NULL`,
  );
  await world.database.pool.query(
    `UPDATE syncline.full_sync_items SET not_before = now() WHERE not_before > now();
     UPDATE syncline.quarantined_items SET retry_at = retry_at - interval '${ms} ms', first_at = first_at - interval '${ms} ms';
     UPDATE syncline.failing_items SET retry_at = retry_at - interval '${ms} ms', first_at = first_at - interval '${ms} ms', last_at = last_at - interval '${ms} ms'`,
  );
  if (sentAway) await world.engine.renewGoogle();
}

export function lapseLease(world: OracleWorld, collectionId: string): Promise<unknown> {
  return world.database.pool.query(
    'UPDATE syncline.collections SET lease_until = NULL WHERE id = $1 AND lease_until > now()',
    [collectionId],
  );
}

/** Runs a collection as a worker does, until nothing is left to do now. */
export async function work(
  world: OracleWorld,
  collection: CollectionRow,
  sliceMs: number,
  stop: StopAt | null = null,
): Promise<Outcome> {
  noteEndlessTry(world, collection);
  for (let runs = 0; ; runs++) {
    if (runs > MAX_RUNS) throw new Found('comes to rest', `${collection.name} wants ever more`);
    const ran = await world.engine.run(collection.id, { sliceMs, stop });
    if (ran.kind !== 'finished') throw new Error('only runs without a stop are worked through');
    if (ran.outcome.kind !== 'more') return ran.outcome;
  }
}

const MAX_RUNS = 500;

/**
 * Counts runs of parked collections, which the actions start before their date. A run of a
 * collection whose last listing had no end may take as many calls as the one before it.
 */
export function noteEndlessTry(
  { endlessTries }: OracleWorld,
  { kind, parked }: CollectionRow,
): void {
  if (parked === 'endless') endlessTries.set(kind, (endlessTries.get(kind) ?? 0) + 1);
}
