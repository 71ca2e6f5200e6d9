/**
 * scheduler: a million accounts of ten thousand tenants, three million collections, 10,000 of them
 * due per minute, and the scheduler as an operator runs it. Its jobs are taken by consumers that
 * only finish them, like a run without changes. Reports the scheduler's CPU, the duration of its
 * rounds, how late work was enqueued, and Redis' memory before and after.
 */
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { openFleet, QUEUE_NAMES } from '@syncline/fleet';
import { createRuntime, startEmbedded } from '@syncline/runtime';
import { Redis } from 'ioredis';
import { figure } from './figures.mjs';
import { freshDatabase } from './fleet.mjs';
import { start, stop, usage } from './processes.mjs';

const DATA_DIR = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  '../../.syncline/bench',
);
const ACCOUNTS = Number(process.env.BENCH_ACCOUNTS ?? 1_000_000);
const TENANTS = Math.ceil(ACCOUNTS / 100);
const DUE_A_MINUTE = 10_000;
/**
 * The scheduler takes this new Redis for one that has lost its data: collections due within the
 * next half minute may have been enqueued before, and are enqueued at once.
 */
const WARMING_MS = 40_000;
const MEASURED_MS = 60_000;
/** The maximum time per account. */
const FILLING_MS = 0.2;
const METRICS_PORT = 39_417;

export async function scheduler() {
  const servers = await startEmbedded({ dataDir: DATA_DIR });
  const { url, pool } = await freshDatabase(servers);
  const redis = new Redis(servers.redisUrl);
  try {
    await redis.flushall();
    console.log(
      `scheduler: ${ACCOUNTS} accounts, ${ACCOUNTS * 3} collections, ${DUE_A_MINUTE} due a minute`,
    );
    // Collections that become due while the tables are filled would be enqueued with the minute's
    // own.
    const quietMs = 10_000 + FILLING_MS * ACCOUNTS;
    const quiet = new Promise((resolve) => setTimeout(resolve, quietMs));
    await fill(pool, new Date(Date.now() + quietMs).toISOString());
    await quiet;
    await explain(pool);
    await measure(servers, url, pool, redis);
  } finally {
    redis.disconnect();
    await pool.end();
    await servers.release();
  }
}

/**
 * Fills the tables. Due dates are spread so that the same number becomes due in every minute,
 * beginning after the fill; a tenth of the collections are in a full sync.
 */
async function fill(pool, fromWhen) {
  const began = performance.now();
  const minutes = (ACCOUNTS * 3) / DUE_A_MINUTE;
  await pool.query('SET statement_timeout = 0');
  // Connecting each account by a commit of its own would take an hour.
  const triggers = (verb) =>
    `ALTER TABLE syncline.accounts ${verb} TRIGGER USER; ALTER TABLE syncline.collections ${verb} TRIGGER USER`;
  await pool.query(triggers('DISABLE'));
  await pool.query(
    `INSERT INTO syncline.accounts (id, tenant, email, address, resources) SELECT gen_random_uuid(), 't' || n % ${TENANTS}, 'u' || n || '@example.com', 'u' || n || '@example.com', '{gmail,calendar}' FROM generate_series(1, ${ACCOUNTS}) AS n`,
  );
  await pool.query(
    `INSERT INTO syncline.collections (id, account_id, tenant, kind, external_id, phase, generation, cursor, next_sync_at)
     SELECT gen_random_uuid(), a.id, a.tenant, k.kind, k.kind, CASE WHEN random() < 0.1 THEN 'full' ELSE 'incremental' END, 1, '{"phase":"incremental"}', '${fromWhen}'::timestamptz + random() * ${minutes} * interval '1 min'
       FROM syncline.accounts a, (VALUES ('gmail'), ('calendar-list'), ('calendar-events')) AS k(kind)`,
  );
  await pool.query(triggers('ENABLE'));
  await pool.query('VACUUM ANALYZE syncline.accounts');
  await pool.query('VACUUM ANALYZE syncline.collections');
  console.log(`filled in ${((performance.now() - began) / 1_000).toFixed(0)} s`);
}

/**
 * Explains the first query of a round as the scheduler's prepared statement runs it: with the
 * generic plan for any queue.
 */
async function explain(pool) {
  const session = await pool.connect();
  await session.query('SET plan_cache_mode = force_generic_plan');
  await session.query(
    `PREPARE due(bool, bool, int) AS SELECT id, tenant, next_sync_at FROM syncline.collections
      WHERE state = 'active' AND (kind = 'gmail') = $1 AND (phase <> 'incremental' OR full_sync_requested) = $2 AND next_sync_at <= now() ORDER BY next_sync_at LIMIT $3`,
  );
  const { rows } = await session.query(
    'EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) EXECUTE due(true, false, 10000)',
  );
  console.log(rows.map((row) => `  ${row['QUERY PLAN']}`).join('\n'));
  session.release(true);
}

async function measure(servers, databaseUrl, pool, redis) {
  const env = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: servers.redisUrl,
    SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
    METRICS_PORT: String(METRICS_PORT),
  };
  const idleBytes = await redisMemory(redis);
  const consumers = await consume(servers, pool);
  const child = start('apps/scheduler/dist/main.js', [], env);
  try {
    await claimedSoFar(); // Until it answers.
    await new Promise((resolve) => setTimeout(resolve, WARMING_MS));
    const before = { ...usage([child.pid]), claimed: await claimedSoFar(), ticks: await ticks() };
    await new Promise((resolve) => setTimeout(resolve, MEASURED_MS));
    const after = { ...usage([child.pid]), claimed: await claimedSoFar(), ticks: await ticks() };
    const late = await pool.query(
      `SELECT coalesce(extract(epoch FROM now() - min(next_sync_at)), 0) AS seconds FROM syncline.collections WHERE state = 'active' AND next_sync_at <= now()`,
    );
    const claimed = after.claimed - before.claimed;
    console.log(
      `scheduler CPU ${(after.cpuSeconds - before.cpuSeconds).toFixed(2)} s a minute, peak RSS ${Math.round(after.peakMb)} MB, ${claimed} collections handed out`,
    );
    figure(
      'scheduler, CPU',
      (1_000_000 * (after.cpuSeconds - before.cpuSeconds)) / claimed,
      'µs per collection',
    );
    figure('scheduler, peak RSS', after.peakMb, 'MB');
    console.log(
      `rounds: ${after.ticks.count - before.ticks.count}, p50 ≤ ${quantile(before.ticks, after.ticks, 0.5)} ms, p99 ≤ ${quantile(before.ticks, after.ticks, 0.99)} ms; the oldest due now has waited ${Number(late.rows[0].seconds).toFixed(1)} s`,
    );
    await stop(child);
    await consumers.drained();
    const keys = await collectionKeys(redis);
    console.log(
      `Redis: ${((await redisMemory(redis)) / 2 ** 20).toFixed(1)} MiB after, ${(idleBytes / 2 ** 20).toFixed(1)} MiB before; keys that name a collection at rest: ${keys}`,
    );
  } finally {
    await stop(child);
    await consumers.close();
  }
}

/**
 * Takes the jobs and finishes their collections five hours ahead, many at once, like a fleet of any
 * size.
 */
async function consume(servers, pool) {
  const rt = createRuntime({ service: 'bench', logLevel: 'warn', stdout: 'stderr' });
  const fleet = await openFleet(rt, {
    redisUrl: servers.redisUrl,
    redisPrefix: 'syncline',
    deployment: null,
  });
  let finished = [];
  const flush = async () => {
    const ids = finished;
    finished = [];
    if (ids.length > 0)
      await pool.query(
        `UPDATE syncline.collections SET next_sync_at = now() + interval '5 h' WHERE id = ANY($1::uuid[])`,
        [ids],
      );
  };
  const timer = setInterval(() => void flush(), 200);
  const host = await fleet.work({
    concurrency: /** @type {any} */ (Object.fromEntries(QUEUE_NAMES.map((name) => [name, 10]))),
    handle: async ({ collectionId }) => (finished.push(collectionId), { kind: 'done' }),
  });
  const drained = async () => {
    for (;;) {
      const counts = Object.values(await fleet.counts());
      if (counts.every((states) => !states.waiting && !states.active && !states.delayed))
        return await flush();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  return {
    drained,
    close: async () => {
      clearInterval(timer);
      await host.drain(5_000);
      await flush();
      await fleet.close();
    },
  };
}

async function metricsPage() {
  for (let tries = 0; ; tries++) {
    try {
      return await (await fetch(`http://127.0.0.1:${METRICS_PORT}/metrics`)).text();
    } catch (error) {
      if (tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function claimedSoFar() {
  const page = await metricsPage();
  return [...page.matchAll(/^syncline_scheduler_claimed_total\{.*\} (\d+)/gm)].reduce(
    (sum, found) => sum + Number(found[1]),
    0,
  );
}

async function ticks() {
  const page = await metricsPage();
  const buckets = [
    ...page.matchAll(/^syncline_scheduler_tick_seconds_bucket\{le="([\d.]+|\+Inf)"\} (\d+)/gm),
  ].map((found) => ({ le: Number(found[1].replace('+Inf', 'Infinity')), count: Number(found[2]) }));
  return { buckets, count: buckets.at(-1)?.count ?? 0 };
}

/**
 * Returns the upper bound, in ms, of the bucket with the quantile of the values between two
 * readings.
 */
function quantile(before, after, share) {
  const rank = (after.count - before.count) * share;
  const at = after.buckets.findIndex(
    ({ count }, n) => count - (before.buckets[n]?.count ?? 0) >= rank,
  );
  return (after.buckets[at]?.le ?? 0) * 1_000;
}

/**
 * Counts the keys of collections that no worker processes; completed jobs that are kept for
 * inspection are not counted.
 */
async function collectionKeys(redis) {
  let found = 0;
  for await (const keys of redis.scanStream({ match: 'syncline:*:de:*', count: 1_000 }))
    found += keys.length;
  return found;
}

async function redisMemory(redis) {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))[1]);
}
