/**
 * api: what the HTTP API costs and how fast it answers, beside a fleet with 1,000 watched accounts.
 *
 * - Reads: all pages of 50 of a mailbox of 100,000 messages, whose rows are written by SQL, and all
 *   pages of 500 of its 100,000 changes, by one client that sends one request after another.
 * - Streams: 1,000 NDJSON streams of 1,000 accounts, first without changes, then with 50 changes a
 *   second. A delay is the time from an event's `at`, the start of the transaction that commits it,
 *   until the client has its line: an upper bound. So is the stream of all accounts.
 *
 * --accounts=N (1,000), --changes=N a second (50), --seconds=N (20).
 */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createApiKey } from '@syncline/control/api-keys';
import { startEmbedded } from '@syncline/runtime';
import { figure } from './figures.mjs';
import { DATA_DIR, openBenchStore } from './fleet.mjs';
import { measure, planOf, quantiles, withFleet } from './freshness.mjs';

const MESSAGES = 100_000;
const IDLE_SECONDS = 20;
/** A key may have 50 streams, and 6,000 requests a minute. */
const STREAMS_PER_KEY = 50;
const REQUESTS_PER_KEY = 4_000;
/** @type {import('@syncline/contract/scopes').Scope[]} */
const SCOPES = ['accounts:read', 'mail:metadata', 'feed:read'];

export async function api() {
  const plan = planOf(process.argv);
  const servers = await startEmbedded({ dataDir: DATA_DIR });
  try {
    await withFleet(servers, plan, async (stage) => {
      const store = await openBenchStore(stage.env.DATABASE_URL, stage.masterKey);
      const over = new AbortController();
      try {
        const client = clientOf(stage, store, over.signal);
        await reads(stage, client, store);
        await streams(stage, client, plan);
      } finally {
        over.abort();
        await store.close();
      }
    });
  } finally {
    await servers.release();
  }
}

function clientOf(stage, store, signal) {
  const newKey = async () =>
    (
      await createApiKey(
        { store },
        { name: 'bench', scopes: SCOPES, tenant: null, expiresAt: null },
      )
    ).key;
  return {
    newKey,
    async get(path, key) {
      const beganMs = performance.now();
      const answer = await fetch(`${stage.api}${path}`, {
        signal,
        headers: { authorization: `Bearer ${key}` },
      });
      /** @type {any} */
      const body = await answer.json();
      if (!answer.ok) throw new Error(`GET ${path}: ${JSON.stringify(body)}`);
      return { body, ms: performance.now() - beganMs };
    },
    /** Calls `onLine` with every line of a stream until the signal is aborted. */
    async stream(path, key, onLine) {
      const answer = await fetch(`${stage.api}${path}`, {
        signal,
        headers: { authorization: `Bearer ${key}`, accept: 'application/x-ndjson' },
      });
      if (!answer.ok) throw new Error(`GET ${path}: ${await answer.text()}`);
      const lines = createInterface({ input: Readable.fromWeb(/** @type {any} */ (answer.body)) });
      lines.on('line', (line) => onLine(JSON.parse(line)));
      lines.on('error', (error) => {
        if (!signal.aborted) throw error;
      });
    },
  };
}

async function reads(stage, client, store) {
  const account = await largeMailbox(stage, store);
  await pagesOf(stage, client, {
    name: 'page of 50 messages',
    goal: '≤ 15',
    path: (next) => `/v1/accounts/${account}/messages?limit=50${next ? `&cursor=${next}` : ''}`,
    nextOf: ({ next }) => next,
  });
  await pagesOf(stage, client, {
    name: 'page of 500 changes',
    goal: '≤ 10',
    path: (next) =>
      `/v1/accounts/${account}/changes?limit=500${next ? `&after=${next}&epoch=1` : ''}`,
    nextOf: ({ data, next }) => (data.length < 500 ? null : next),
  });
}

/** Reads all pages twice, and measures the second time. */
async function pagesOf(stage, client, { name, goal, path, nextOf }) {
  let latencies = [];
  let cpu = 0;
  for (let round = 0; round < 2; round++) {
    latencies = [];
    const before = Number(stage.cpu('api'));
    let key = null;
    let next = null;
    do {
      if (latencies.length % REQUESTS_PER_KEY === 0) key = await client.newKey();
      const { body, ms } = await client.get(path(next), key);
      latencies.push({ ms });
      next = nextOf(body);
    } while (next !== null);
    cpu = Number(stage.cpu('api')) - before;
  }
  const sorted = latencies.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  figure(`api, ${name}, p50`, at(0.5), 'ms');
  figure(`api, ${name}, p99`, at(0.99), 'ms', goal);
  figure(`api, ${name}, CPU`, (1_000 * cpu) / sorted.length, 'ms per request', '≤ 1');
}

/** @returns the id of an account with MESSAGES messages of four to a thread, and an event of each */
async function largeMailbox({ pool }, store) {
  const { id } = await store.accounts.import({
    email: 'large@demo.example',
    refreshToken: randomUUID(),
    tenant: 'default',
    resources: ['gmail'],
  });
  await pool.query("UPDATE syncline.accounts SET state = 'paused' WHERE id = $1", [id]);
  // The events of the account itself.
  await pool.query('DELETE FROM syncline.changes WHERE account_id = $1', [id]);
  for (const statement of FILL) await pool.query(statement, [id, MESSAGES]);
  await pool.query('UPDATE syncline.accounts SET feed_seq = $2 WHERE id = $1', [id, MESSAGES]);
  await pool.query('VACUUM ANALYZE syncline.gmail_messages');
  await pool.query('VACUUM ANALYZE syncline.changes');
  return id;
}

const NUMBERS = 'generate_series(1, $2::int) AS n';
const FILL = [
  `INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, size_estimate, snippet,
     subject, from_header, to_header, date_header, message_id_header, addresses, resource)
   SELECT $1::uuid, to_hex(n::bigint * 1099511627 + 1125899906842624), to_hex((n / 4)::bigint * 4398046508 + 1125899906842624), n,
     '{INBOX,UNREAD}', '2020-01-01'::timestamptz + n * interval '10 minutes', 4000, repeat('words of a mail ', 12),
     'Subject ' || n, 'Ada <ada@example.com>', 'user@demo.example', 'Mon, 30 Nov 2026 10:00:00 +0000', '<' || n || '@example.com>',
     '{"from":[{"name":"Ada","address":"ada@example.com"}],"to":[{"name":null,"address":"user@demo.example"}]}',
     jsonb_build_object('payload', jsonb_build_object('headers', (SELECT jsonb_agg(jsonb_build_object('name', 'X-' || h, 'value', md5(n::text || h))) FROM generate_series(1, 20) h)))
     FROM ${NUMBERS}`,
  `INSERT INTO syncline.gmail_threads (account_id, id, message_count, first_message_at, last_message_at)
   SELECT account_id, thread_id, count(*), min(internal_date), max(internal_date) FROM syncline.gmail_messages
    WHERE account_id = $1 AND $2::int > 0 GROUP BY account_id, thread_id`,
  `INSERT INTO syncline.changes (account_id, seq, entity, entity_id, op, origin)
   SELECT $1::uuid, n, 'message', to_hex(n::bigint * 1099511627 + 1125899906842624), 'created', 'full_sync' FROM ${NUMBERS}`,
];

async function streams(stage, client, plan) {
  const { rows } = await stage.pool.query(
    "SELECT id, feed_seq::int AS seq, feed_epoch::int AS epoch FROM syncline.accounts WHERE email <> 'large@demo.example'",
  );
  const delays = { own: [], all: [] };
  const take = (list) => (line) => {
    if (!line.heartbeat) list.push({ ms: Date.now() - Date.parse(line.at) });
  };
  const rssBefore = stage.rssMb('api');
  let key = '';
  // A process has 1,000 streams, and the last one is that of all accounts.
  const streamed = rows.slice(0, 999);
  for (const [n, { id, seq, epoch }] of streamed.entries()) {
    if (n % STREAMS_PER_KEY === 0) key = await client.newKey();
    const path = `/v1/accounts/${id}/changes?after=${seq}${seq > 0 ? `&epoch=${epoch}` : ''}`;
    await client.stream(path, key, take(delays.own));
  }
  const [idle, seconds] = await idleCpu(stage);
  figure(`api, ${streamed.length} idle streams, CPU`, (100 * idle) / seconds, '% of a core', '≤ 2');
  figure(
    `api, ${streamed.length} idle streams, memory`,
    Math.max(0.1, stage.rssMb('api') - rssBefore),
    'MB',
    '≤ 100',
  );
  await client.stream('/v1/changes?after=latest', await client.newKey(), take(delays.all));
  await measure(stage, { ...plan, among: (email) => email.endsWith('@demo.example') });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  for (const [name, list] of Object.entries({
    'commit → stream of its account': delays.own,
    'commit → stream of all accounts': delays.all,
  })) {
    const { at, sorted } = quantiles(list);
    console.log(`${name}: ${sorted.length} events, worst ${at(1)} ms`);
    figure(`api, ${name}, p50`, at(0.5), 'ms');
    figure(`api, ${name}, p99`, at(0.99), 'ms', '≤ 250');
  }
}

async function idleCpu(stage) {
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const before = Number(stage.cpu('api'));
  await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1_000));
  return [Number(stage.cpu('api')) - before, IDLE_SECONDS];
}
