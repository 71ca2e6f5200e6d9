import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { ROUTES, type Route } from '@syncline/contract';
import { withRowAccess, type Store } from '@syncline/store';
import pg from 'pg';
import { startApi, type ApiWorld } from '../support/api-world.js';
import { apiUrlOf } from '../support/database.js';

/*
 * Row security is the second wall between tenants (docs/decisions/0170-row-security.md): the API's
 * role reads no row of another tenant, whatever its statements ask for.
 */

const TENANTS = ['acme', 'globex'] as const;
type Tenant = (typeof TENANTS)[number];

let world: ApiWorld;
const ids = {} as Record<Tenant, string>;
const keys = {} as Record<Tenant, string>;

beforeAll(async () => {
  world = await startApi({ readPoolSize: 2 });
  for (const tenant of TENANTS) {
    ids[tenant] = await world.account({ email: `ada@${tenant}.example`, tenant });
    keys[tenant] = await world.key({ tenant });
    await fill(ids[tenant], tenant);
  }
});
afterAll(() => world.close());

/** Rows of every kind, each of which names its tenant. */
async function fill(id: string, tenant: Tenant): Promise<void> {
  const { pool } = world.database;
  for (const statement of [
    `INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, snippet, resource) SELECT $1, 'm' || n, 't' || n, n, '{INBOX}', now(), $2, '{}' FROM generate_series(1, 20) n`,
    `INSERT INTO syncline.gmail_threads (account_id, id, message_count, first_message_at, last_message_at) SELECT account_id, thread_id, 1, internal_date, internal_date FROM syncline.gmail_messages WHERE account_id = $1 AND $2 <> ''`,
    `INSERT INTO syncline.gmail_labels (account_id, id, name, type, resource) VALUES ($1, 'INBOX', $2, 'system', '{}')`,
    `INSERT INTO syncline.calendars (account_id, id, summary, is_primary, resource) VALUES ($1, 'c', $2, true, '{}')`,
    `INSERT INTO syncline.calendar_events (account_id, calendar_id, id, status, summary, is_recurring, resource) VALUES ($1, 'c', 'e', 'confirmed', $2, false, '{}')`,
    `INSERT INTO syncline.changes (account_id, seq, entity, entity_id, op) SELECT id, feed_seq + 1, 'label', $2, 'created' FROM syncline.accounts WHERE id = $1`,
    `UPDATE syncline.accounts SET feed_seq = feed_seq + 1, reason = $2 WHERE id = $1`,
    `INSERT INTO syncline.quarantined_items (account_id, collection_id, item_id, reason) SELECT account_id, id, 'item', $2 FROM syncline.collections WHERE account_id = $1 AND kind = 'gmail'`,
    `INSERT INTO syncline.quota_ledger (account_id, day, method, calls, units) VALUES ($1, (now() AT TIME ZONE 'America/Los_Angeles')::date, 'gmail.users.messages.get', 1, length($2))`,
    `INSERT INTO syncline.operations (id, kind, tenant, subject, input) VALUES ('op_' || md5($2), 'removal', $2, $1, '{}')`,
  ])
    await pool.query(statement, [id, tenant]);
}

/** Every read of the API's store that names an account. */
function readsOf(store: Store, id: string): Record<string, () => Promise<unknown>> {
  const [parts, page] = [
    { text: true, html: true, resource: true },
    { after: null, limit: 10 },
  ];
  const filter = {
    labelId: null,
    threadId: null,
    from: null,
    to: null,
    fromMs: null,
    beforeMs: null,
  };
  const { reads, feed, accounts, quarantine, quota, operations, mirror } = store;
  return {
    messages: () => reads.messages(id, { ...page, filter, parts }),
    message: () => reads.message(id, 'm1', parts),
    threads: () => reads.threads(id, page),
    thread: () => reads.thread(id, 't1'),
    labels: () => reads.labels(id, page),
    calendars: () => reads.calendars(id, page),
    events: () => reads.events(id, 'c', page),
    event: () => reads.event(id, 'c', 'e'),
    changes: async () => (await feed.page(id, 0n, 10))?.events ?? null,
    find: () => accounts.find(id),
    view: () => accounts.view(id),
    quarantine: () => quarantine.page({ ...page, tenant: null, accountId: id }),
    quota: () => quota.todayOf(id),
    operations: () => operations.page({ subject: id, kind: 'removal', before: null, limit: 10 }),
    documents: async () => {
      const found = [];
      for await (const document of mirror.documents(id, 'gmail')) found.push(document);
      return found;
    },
  };
}

function isEmpty(found: unknown): boolean {
  return found === null || (Array.isArray(found) && found.length === 0);
}

test('S6: each read gives the rows of its own account, and nothing of another one', async () => {
  for (const [name, read] of Object.entries(readsOf(world.apiStore, ids.acme))) {
    const as = (tenant: string | null, accountId: string | null): Promise<unknown> =>
      withRowAccess({ tenant, accountId }, read);
    for (const access of [
      as('acme', ids.acme),
      as(null, ids.acme),
      as('acme', null),
      as(null, null),
    ])
      expect([name, isEmpty(await access)]).toEqual([name, false]);
    for (const access of [
      as('globex', ids.globex),
      // The account that the request names, which the code has not compared with the key's tenant.
      as('globex', ids.acme),
      as('globex', null),
      as(null, ids.globex),
      as('', null),
    ])
      expect([name, isEmpty(await access)]).toEqual([name, true]);
  }
});

test('S6: a list of every tenant gives the rows of the stated tenant only', async () => {
  const { accounts, quarantine, quota } = world.apiStore;
  const lists = {
    accounts: () => accounts.page({ after: null, limit: 10 }),
    pages: () => accounts.pages().next(),
    quarantine: () => quarantine.page({ tenant: null, accountId: null, after: null, limit: 10 }),
    quota: () => quota.today(),
  };
  for (const [name, list] of Object.entries(lists)) {
    const found = JSON.stringify(
      await withRowAccess({ tenant: 'globex', accountId: null }, async () => list()),
    );
    expect([name, found.includes(ids.globex), found.includes(ids.acme)]).toEqual([
      name,
      true,
      false,
    ]);
  }
});

test('an account reads the same by the SQL of the API as by Prisma', async () => {
  const { pool } = world.database;
  await pool.query(
    `INSERT INTO syncline.collection_audits (collection_id, account_id, checked, contents, drift, begun_at) SELECT id, account_id, 9007199254740991, 2, 1, now() FROM syncline.collections WHERE kind = 'gmail'`,
  );
  await pool.query(
    `INSERT INTO syncline.watches (collection_id, account_id, state, due_at, expires_at, silent_since, error) SELECT id, account_id, 'on', now(), now(), now(), 'x' FROM syncline.collections WHERE kind = 'calendar-list'`,
  );
  await pool.query(
    `INSERT INTO syncline.failing_items (account_id, collection_id, item_id, reason, tries, retry_at) SELECT account_id, id, 'f', 'x', 1, now() FROM syncline.collections WHERE kind = 'gmail'`,
  );
  await pool.query(
    `UPDATE syncline.collections SET audited_at = now(), held_since = now(), held_rows = 3, held_for = 'new-listing', progress_total = 7, next_sync_at = '9999-01-01' WHERE account_id = $1 AND kind = 'calendar-list'`,
    [ids.acme],
  );
  await pool.query(
    `INSERT INTO syncline.account_aliases (account_id, address) VALUES ($1, 'b@x.y'), ($1, 'a@x.y')`,
    [ids.acme],
  );
  const everything = { tenant: null, accountId: null };
  expect(await withRowAccess(everything, () => world.apiStore.accounts.list())).toEqual(
    await world.store.accounts.list(),
  );
});

test('a read outside of a request is refused', async () => {
  await expect(world.apiStore.accounts.view(ids.acme)).rejects.toThrow(/withRowAccess/);
});

test('S6: without the comparison of tenants in the code, no route answers with another tenant', async () => {
  const careless = await startApi({
    on: world,
    bend: (deps) => ({
      ...deps,
      store: {
        ...deps.store,
        // Every account is found, and seems to be of the key's tenant.
        accounts: {
          find: async (id) => {
            const found = await world.store.accounts.find(id);
            return found && { ...found, tenant: 'globex' };
          },
        },
      },
    }),
  });
  const asked = (Object.values(ROUTES) as Route[]).filter(
    ({ method, path, accountIn }) =>
      method === 'GET' && (accountIn === 'params' || path.startsWith('/v1/')),
  );
  expect(asked.length).toBeGreaterThan(10);
  for (const { path } of asked) {
    const of = path
      .replace('{id}', path.includes('operations') ? `op_${'0'.repeat(32)}` : ids.acme)
      .replace('{messageId}', 'm1')
      .replace('{threadId}', 't1')
      .replace('{calendarId}', 'c')
      .replace('{eventId}', 'e');
    const { status, text } = await careless.send('GET', of, { key: keys.globex });
    expect([path, status < 500, /acme/.test(text)]).toEqual([path, true, false]);
  }
  await careless.close();
});

test('S6: SQL of the role reads nothing before a transaction has stated whose rows it reads', async () => {
  const session = new pg.Client({ connectionString: apiUrlOf(world.database) });
  await session.connect();
  for (const table of ['accounts', 'collections', 'gmail_messages', 'changes', 'operations']) {
    const { rows } = await session.query(`SELECT count(*)::int AS rows FROM syncline.${table}`);
    expect([table, rows]).toEqual([table, [{ rows: 0 }]]);
  }
  for (const statement of [
    'SELECT * FROM syncline.credentials',
    'SELECT * FROM syncline.api_keys',
    'SELECT * FROM syncline.idempotent_requests',
    'SELECT * FROM syncline.identity_keys',
    'DELETE FROM syncline.gmail_labels',
    "UPDATE syncline.accounts SET tenant = 'globex'",
  ])
    await expect(session.query(statement)).rejects.toMatchObject({ code: '42501' });
  await session.end();
});

test('a list of a mailbox reads its index under row security', async () => {
  const session = new pg.Client({ connectionString: apiUrlOf(world.database) });
  await session.connect();
  await session.query('BEGIN');
  await session.query("SELECT set_config('syncline_api.account', $1, true)", [ids.acme]);
  await session.query('SET LOCAL enable_seqscan = off');
  const { rows } = await session.query(
    `EXPLAIN SELECT id FROM syncline.gmail_messages WHERE account_id = '${ids.acme}' ORDER BY internal_date DESC LIMIT 50`,
  );
  await session.end();
  expect(JSON.stringify(rows)).toMatch(
    /Index Scan Backward using gmail_messages_account_id_internal_date_idx/,
  );
});

const READS = 10_000;

test(`S6: ${READS} interleaved reads of two tenants over two sessions mix no rows`, async () => {
  const { reads, accounts } = world.apiStore;
  const mixed: string[] = [];
  let begun = 0;
  const read = async (): Promise<void> => {
    while (begun < READS) {
      const at = begun++;
      const [tenant, other] = at % 2 === 0 ? TENANTS : ([TENANTS[1], TENANTS[0]] as const);
      const access = { tenant, accountId: at % 3 === 0 ? null : ids[tenant] };
      const isOwn = at % 5 !== 0;
      const id = ids[isOwn ? tenant : other];
      const found = await withRowAccess(access, () =>
        at % 7 === 0 ? accounts.find(id) : reads.thread(id, 't1'),
      );
      if ((found !== null) !== isOwn) mixed.push(`${at}: ${JSON.stringify(found)}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, read));
  expect(mixed).toEqual([]);
}, 60_000);

/** `API_REQUESTS=10000` sends more. */
const REQUESTS = Number(process.env['API_REQUESTS'] ?? 500);

test(`S6: ${REQUESTS} interleaved requests of two tenants over two sessions mix no rows`, async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const paths = ['', '/labels', '/calendars', '/messages/m1'];
  const mixed: string[] = [];
  let begun = 0;
  const send = async (): Promise<void> => {
    while (begun < REQUESTS) {
      const at = begun++;
      const [tenant, other] = at % 2 === 0 ? TENANTS : ([TENANTS[1], TENANTS[0]] as const);
      const path = `/v1/accounts/${ids[tenant]}${paths[(at >> 1) % paths.length]}`;
      const text = await get(agent, path, keys[tenant]);
      if (!text.includes(tenant) || text.includes(other)) mixed.push(text);
    }
  };
  await Promise.all(Array.from({ length: 32 }, send));
  agent.destroy();
  expect(mixed).toEqual([]);
}, 300_000);

async function get(agent: Agent, path: string, key: string): Promise<string> {
  const headers = { Authorization: `Bearer ${key}` };
  const asked = request({ host: '127.0.0.1', port: world.port, path, agent, headers }).end();
  const [answer] = (await once(asked, 'response')) as [AsyncIterable<Buffer>];
  let text = '';
  for await (const chunk of answer) text += chunk.toString();
  return text;
}

test('a notification is stored while every session of the reads is busy', async () => {
  const { pool } = world.database;
  await pool.query(
    `INSERT INTO syncline.watches (collection_id, account_id, state, address) SELECT id, account_id, 'on', 'ada@acme.example' FROM syncline.collections WHERE account_id = $1 AND kind = 'gmail'`,
    [ids.acme],
  );
  const blocking = await pool.connect();
  await blocking.query('BEGIN; LOCK TABLE syncline.gmail_labels IN ACCESS EXCLUSIVE MODE');
  const isOver = { value: false };
  const busy = [1, 2, 3, 4].map(async () => {
    const { status } = await world.send('GET', `/v1/accounts/${ids.acme}/labels`, {
      key: keys.acme,
    });
    isOver.value = true;
    return status;
  });
  const waiting = `SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  while ((await pool.query<{ sessions: number }>(waiting)).rows[0]!.sessions < 2);
  const notified = await world.apiStore.notifications.notifyMailboxes(['ada@acme.example']);
  const wasOver = isOver.value;
  await blocking.query('ROLLBACK');
  blocking.release();
  expect([notified.size, wasOver]).toEqual([1, false]);
  expect(await Promise.all(busy)).toEqual([200, 200, 200, 200]);
});
