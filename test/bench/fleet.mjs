/**
 * The common parts of the benchmarks: an empty database, the simulator's accounts in it, and the
 * processes as an operator runs them.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRuntime, startEmbedded } from '@syncline/runtime';
import { migrate, openStore } from '@syncline/store';
import { Redis } from 'ioredis';
import pg from 'pg';
import { openMeter } from './meter.mjs';
import { firstLine, saying, start, stop } from './processes.mjs';

export const DATA_DIR = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  '../../.syncline/bench',
);
const UNLIMITED = Object.fromEntries(
  [
    'GMAIL_UNITS_PER_USER_MINUTE',
    'GMAIL_UNITS_PER_PROJECT_MINUTE',
    'GMAIL_UNITS_PER_PROJECT_DAY',
    'CALENDAR_REQUESTS_PER_USER_MINUTE',
    'CALENDAR_REQUESTS_PER_PROJECT_MINUTE',
  ].map((name) => [name, '1000000000']),
);

/** Postgres and Redis of the benchmarks' own. */
export async function withServers(work) {
  const servers = await startEmbedded({ dataDir: DATA_DIR });
  try {
    return await work(servers);
  } finally {
    await servers.release();
  }
}

/**
 * Starts a simulator without quotas and with the given arguments, its accounts, a scheduler and
 * workers that are ready and idle: `due()` makes every collection due.
 */
export async function withFleet(servers, { simulator: args, workers = 1, env = {} }, work) {
  const { url: databaseUrl, pool } = await freshDatabase(servers);
  const children = [];
  try {
    const simulator = run(
      children,
      'packages/simulator/dist/main.js',
      ['--no-quota', '--seed', '1', ...args.map(String)],
      {},
      'ignore',
    );
    const api = JSON.parse(await firstLine(simulator)).url;
    const masterKey = randomBytes(32);
    await importAccounts(databaseUrl, masterKey, api);
    await pool.query("UPDATE syncline.collections SET next_sync_at = now() + interval '1 hour'");
    const whole = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: servers.redisUrl,
      GOOGLE_API_URL: api,
      SYNCLINE_MASTER_KEY: masterKey.toString('base64'),
      LOG_LEVEL: 'info',
      ...UNLIMITED,
      ...env,
    };
    const scheduler = run(children, 'apps/scheduler/dist/main.js', [], whole);
    const working = Array.from({ length: workers }, () =>
      run(children, 'apps/worker/dist/main.js', [], whole),
    );
    await Promise.all([
      saying(scheduler, 'ready'),
      ...working.map((worker) => saying(worker, 'working')),
    ]);
    const pids = {
      worker: working.map((worker) => worker.pid),
      scheduler: [scheduler.pid],
      simulator: [simulator.pid],
    };
    const read = await openMeter(pool, servers.redisUrl, pids);
    const open = () => openBenchStore(databaseUrl, masterKey);
    return await work({
      pool,
      api,
      read,
      openStore: open,
      workers: pids.worker,
      due: () => pool.query('UPDATE syncline.collections SET next_sync_at = now()'),
    });
  } finally {
    await Promise.all(children.toReversed().map(stop));
    await pool.end();
  }
}

/**
 * Waits until every mailbox is in phase incremental and every message is stored: the end of a
 * backfill, including its sweep.
 */
export async function allStored(pool, messages) {
  for (;;) {
    const { rows } = await pool.query(
      `SELECT (SELECT count(*) FROM syncline.collections WHERE phase <> 'incremental') AS open, (SELECT coalesce(sum(progress_done), 0) FROM syncline.collections) AS done`,
    );
    if (Number(rows[0].open) === 0 && Number(rows[0].done) >= messages) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { rows } = await pool.query('SELECT count(*) AS stored FROM syncline.gmail_messages');
  if (Number(rows[0].stored) !== messages)
    throw new Error(`${rows[0].stored} of ${messages} messages are stored`);
}

function run(children, file, args, env, errors) {
  const child = start(file, args, env, errors);
  children.push(child);
  return child;
}

/**
 * Creates an empty database with the schema; the previous benchmark's is dropped, and its
 * deployment is removed from Redis.
 */
export async function freshDatabase(servers) {
  // Another server than the embedded one, for what depends on its version or its compression.
  const url = new URL(process.env.BENCH_POSTGRES_URL ?? servers.administratorUrl);
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  await admin.query('DROP DATABASE IF EXISTS syncline_bench WITH (FORCE)');
  await admin.end();
  const redis = new Redis(servers.redisUrl);
  await redis.del('syncline:deployment');
  redis.disconnect();
  url.pathname = '/syncline_bench';
  await migrate(url.href);
  return {
    url: url.href,
    pool: new pg.Pool({
      connectionString: url.href,
      max: 2,
      options: '-c plan_cache_mode=force_generic_plan',
    }),
  };
}

/** `projectOf` names the Google project of the account at an index. */
export async function importAccounts(
  databaseUrl,
  masterKey,
  api,
  projectOf = (_index) => 'default',
) {
  const store = await openBenchStore(databaseUrl, masterKey);
  try {
    for (const [i, { email, refreshToken }] of (await accountsOf(api)).entries())
      await store.accounts.import({
        email,
        refreshToken,
        tenant: 'default',
        resources: ['gmail'],
        project: projectOf(i),
      });
  } finally {
    await store.close();
  }
}

export async function accountsOf(api) {
  const lines = await (await fetch(`${api}/sim/accounts`)).text();
  return lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

export function openBenchStore(databaseUrl, masterKey) {
  return openStore(createRuntime({ service: 'bench', logLevel: 'warn', stdout: 'stderr' }), {
    databaseUrl,
    masterKey,
  });
}
