import { once } from 'node:events';
import path from 'node:path';
import pg from 'pg';
import { createClient } from '@syncline/client';
import { consume, createCheckpoints, type RestartReason } from '@syncline/client/pg';
import { beginFeedEpoch } from '@syncline/control/feed';
import { startApi, type ApiWorld } from '../support/api-world.js';
import {
  storeFixture,
  testDatabase,
  type StoreFixture,
  type TestDatabase,
} from '../support/database.js';
import { endProcess, startNode, stopAll, type Started } from '../support/processes.js';

/*
 * What is applied exactly once: consumers that are killed, that run at the same time and that get
 * batches twice, over a feed of 100,000 events. The counts of the consumer's table tell an event
 * that was applied twice from one that was applied once.
 */

const ROUNDS = 10;
const LARGE = 4_000;
/** Of the objects of a round, all are created, all updated, and half are deleted. */
const eventsOf = (size: number): number => 2 * size + size / 2;
const EVENTS = ROUNDS * eventsOf(LARGE);
const CONSUMERS = 2;
/** At the latest after so many events one consumer is killed. */
const KILL_EVERY = 20_000;
const CHILD = path.join(__dirname, '../support/consumer-child.mjs');

let fixture: StoreFixture;
let api: ApiWorld;
let key: string;
let own: TestDatabase;
let ownUrl: URL;
let pool: pg.Pool;

beforeAll(async () => {
  fixture = await storeFixture(['gmail']);
  api = await startApi({ on: fixture });
  key = await api.key({ scopes: ['feed:read'] });
  own = await testDatabase();
  await own.pool.query('CREATE SCHEMA own');
  ownUrl = new URL(own.url);
  ownUrl.searchParams.set('options', '-c search_path=own');
  pool = new pg.Pool({ connectionString: ownUrl.href, max: 2 });
  await createCheckpoints(pool);
});
afterAll(async () => {
  await stopAll();
  await api.close();
  await pool.end();
  await own.drop();
  await fixture.close();
});

/** Changes the mirror, with its events, as commits do: rows and feed in one transaction. */
async function change(account: string, round: number, size = LARGE): Promise<void> {
  const client = await fixture.database.pool.connect();
  const first = round * size;
  try {
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, snippet, resource)
       SELECT $1, 'm' || n, 'm' || n, n, '{INBOX}', '', '{}' FROM generate_series($2::int + 1, $2::int + $3::int) AS n`,
      [account, first, size],
    );
    await client.query(
      `UPDATE syncline.gmail_messages SET label_ids = '{}' WHERE account_id = $1 AND id IN (SELECT 'm' || n FROM generate_series($2::int + 1, $2::int + $3::int) AS n)`,
      [account, first, size],
    );
    await client.query(
      `DELETE FROM syncline.gmail_messages WHERE account_id = $1 AND id IN (SELECT 'm' || n FROM generate_series($2::int + 1, $2::int + $3::int) AS n)`,
      [account, first, size / 2],
    );
    await client.query(
      `WITH events AS (
         SELECT 1 AS part, n, 'created' AS op FROM generate_series($2::int + 1, $2::int + $3::int) AS n UNION ALL
         SELECT 2, n, 'updated' FROM generate_series($2::int + 1, $2::int + $3::int) AS n UNION ALL
         SELECT 3, n, 'deleted' FROM generate_series($2::int + 1, $2::int + $4::int) AS n)
       INSERT INTO syncline.changes (account_id, seq, entity, entity_id, op)
       SELECT $1, a.feed_seq + row_number() OVER (ORDER BY part, n), 'message', 'm' || n, op
         FROM events, syncline.accounts AS a WHERE a.id = $1`,
      [account, first, size, size / 2],
    );
    await client.query('UPDATE syncline.accounts SET feed_seq = feed_seq + $2 WHERE id = $1', [
      account,
      eventsOf(size),
    ]);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}

function start(mode: 'checkpoint' | 'none'): Started {
  const settings = {
    url: api.origin,
    key,
    account: fixture.accountId,
    databaseUrl: ownUrl.href,
  };
  return startNode([CHILD, mode], { SETTINGS: JSON.stringify(settings) });
}

async function beginTable(): Promise<void> {
  await pool.query('DROP TABLE IF EXISTS copies');
  await pool.query(
    'CREATE TABLE copies (id text PRIMARY KEY, changes int NOT NULL, is_there boolean NOT NULL)',
  );
}

/** Objects whose copy differs: in the number of their changes, or in whether they are there. */
async function differing(): Promise<string[]> {
  const { rows: copies } = await pool.query<{ row: string }>(
    `SELECT id || ' ' || changes || ' ' || is_there AS row FROM copies ORDER BY id COLLATE "C"`,
  );
  const { rows: mirrored } = await fixture.database.pool.query<{ row: string }>(
    `SELECT c.entity_id || ' ' || count(*) || ' ' || (EXISTS (SELECT FROM syncline.gmail_messages m WHERE m.account_id = $1 AND m.id = c.entity_id))::text AS row
       FROM syncline.changes c WHERE c.account_id = $1 AND c.entity = 'message' GROUP BY c.entity_id ORDER BY c.entity_id COLLATE "C"`,
    [fixture.accountId],
  );
  const expected = new Set(mirrored.map(({ row }) => row));
  const got = new Set(copies.map(({ row }) => row));
  return [...expected, ...got].filter((row) => !expected.has(row) || !got.has(row));
}

/** Resolves with the next output of a consumer, or its end. */
async function nextOutput(child: Started): Promise<void> {
  const over = new AbortController();
  const events = [
    once(child.stdout!, 'data', { signal: over.signal }),
    once(child, 'exit', { signal: over.signal }),
  ];
  await Promise.race(events);
  over.abort();
  await Promise.allSettled(events);
}

test('consumers that are killed, run together and get batches twice hold the mirror', async () => {
  await beginTable();
  const running = Array.from({ length: CONSUMERS }, () => start('checkpoint'));
  const changing = (async () => {
    for (let round = 0; round < ROUNDS; round++) await change(fixture.accountId, round);
  })();
  let kills = 0;
  for (let killedAt = 0, seq = 0; seq < EVENTS || seq < (await end()); seq = await applied()) {
    // By progress, so that a slow machine gets as far between two kills.
    if (seq < killedAt + KILL_EVERY * Math.random()) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      continue;
    }
    killedAt = seq;
    await endProcess(running.shift()!, 'SIGKILL');
    kills += 1;
    running.push(start('checkpoint'));
  }
  await changing;
  await Promise.all(running.map((child) => endProcess(child)));
  expect(kills).toBeGreaterThan(5);
  expect(await differing()).toEqual([]);
});

async function end(): Promise<number> {
  return Number((await fixture.store.feed.position(fixture.accountId)).seq);
}

async function applied(): Promise<number> {
  const { rows } = await pool.query<{ seq: string }>('SELECT seq FROM syncline_checkpoints');
  return Number(rows[0]?.seq ?? 0);
}

test('a consumer without a checkpoint, killed once, does not', async () => {
  await beginTable();
  const first = start('none');
  await nextOutput(first);
  await endProcess(first, 'SIGKILL');
  const second = start('none');
  const last = `{"seq":${await end()}}`;
  while (!second.output.join('').includes(last)) await nextOutput(second);
  await endProcess(second);
  expect((await differing()).length).toBeGreaterThan(0);
});

test('a consumer that can list begins with a list, and lists again where the feed has another epoch', async () => {
  const account = await api.account({ email: 'bob@example.com', tenant: 'default' });
  await change(account, 0, 40);
  await pool.query('CREATE TABLE listed (id text PRIMARY KEY)');
  const client = createClient({ url: api.origin, key: await api.key() });
  const reasons: RestartReason[] = [];
  const over = new AbortController();
  const consuming = consume(pool, {
    consumer: 'lister',
    source: client.feed(account),
    signal: over.signal,
    apply: async (tx: pg.PoolClient, events) => {
      for (const { id, op } of events)
        await tx.query(
          op === 'deleted'
            ? 'DELETE FROM listed WHERE id = $1'
            : 'INSERT INTO listed (id) VALUES ($1) ON CONFLICT DO NOTHING',
          [id],
        );
    },
    restart: async (tx, reason) => {
      reasons.push(reason);
      await tx.query('DELETE FROM listed');
      const messages = client.messages.list(account, { limit: 15 });
      for await (const { id } of messages)
        await tx.query('INSERT INTO listed (id) VALUES ($1)', [id]);
      return messages;
    },
  });
  const equal = async (): Promise<void> => {
    const { rows: mirrored } = await fixture.database.pool.query(
      'SELECT id FROM syncline.gmail_messages WHERE account_id = $1 ORDER BY id',
      [account],
    );
    const listed = async (): Promise<unknown[]> =>
      (await pool.query('SELECT id FROM listed ORDER BY id')).rows;
    while (JSON.stringify(await listed()) !== JSON.stringify(mirrored))
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(mirrored.length).toBeGreaterThan(0);
  };
  await equal();
  await change(account, 1, 40);
  await equal();
  await fixture.database.pool.query(
    'DELETE FROM syncline.gmail_messages WHERE account_id = $1 AND id = $2',
    [account, 'm30'],
  );
  await beginFeedEpoch(fixture);
  await equal();
  over.abort();
  await consuming;
  expect(reasons).toEqual(['first', 'epoch-changed']);
});
