/**
 * governor: which share of Google's limits is used while work is always pending, and whether they
 * are exceeded. Schedulers, workers, Postgres and Redis as an operator runs them, with mailboxes
 * whose full syncs the quota keeps from ending, against the simulated Google, whose ledger decides.
 *
 * The measurement is strict because it ends after a minute and a half: whatever a client does, no
 * 90 seconds may hold more than two minutes' limits. A share under 97 % of that, or one violation,
 * makes the benchmark fail.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startEmbedded } from '@syncline/runtime';
import { startRedis } from '../chaos/redis.mjs';
import { freshDatabase, importAccounts } from './fleet.mjs';
import { firstLine, start, stop } from './processes.mjs';

const DATA_DIR = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  '../../.syncline/bench',
);
const MEASURED_MS = 90_000;
const LEAST_SHARE = 0.97;
const USER_MINUTE = 6_000;
const PROJECT_MINUTE = 1_200_000;

/**
 * One user is limited by the mailbox's real limit; 500 are limited by the project's, scaled to the
 * capacity of two cores.
 */
const ONE = { accounts: 1, messages: 1_500, scale: 1, bound: USER_MINUTE };
const MANY = { accounts: 500, messages: 20, scale: 0.01, bound: PROJECT_MINUTE * 0.01 };
const FAULTS = [
  { kind: '500', method: 'messages.get', probability: 0.03 },
  { kind: '503', method: 'threads.get', probability: 0.03 },
  { kind: '429-concurrent', method: 'messages.get', probability: 0.02 },
  { kind: '429-retry-after', method: 'threads.get', probability: 0.005 },
];

const SCENARIOS = [
  { name: 'one user, 1 worker', ...ONE, workers: 1 },
  { name: 'one user, 4 workers', ...ONE, workers: 4 },
  { name: '500 users, 1 worker', ...MANY, workers: 1 },
  { name: '500 users, 4 workers', ...MANY, workers: 4 },
  { name: '500 users, 4 workers, faults 500, 503, 429', ...MANY, workers: 4, faults: FAULTS },
  {
    name: '500 users, 4 workers, Redis restarted empty',
    ...MANY,
    workers: 4,
    trouble: restartedEmpty,
  },
  {
    name: '500 users, 4 workers, Redis away for 20 s',
    ...MANY,
    workers: 4,
    trouble: (redis) => redis.restart(20_000),
  },
  { name: '500 users in two projects of half, 2 workers', ...MANY, workers: 2, projects: 2 },
];

export async function governor() {
  const servers = await startEmbedded({ dataDir: DATA_DIR });
  console.log(
    `share of the Gmail units that Google allows in ${MEASURED_MS / 1_000} s, by the simulator's ledger; at least ${LEAST_SHARE * 100} % is promised, and no violation`,
  );
  try {
    for (const scenario of chosen()) report(scenario, await measured(servers, scenario));
  } finally {
    await servers.release();
  }
}

/** Returns the scenarios; GOVERNOR_ONLY selects them by a part of their name. */
function chosen() {
  return SCENARIOS.filter(({ name }) => name.includes(process.env.GOVERNOR_ONLY ?? ''));
}

function report({ name, bound }, { spent, violations, faults }) {
  const allowed = 2 * bound;
  const share = spent / allowed;
  const kept = share >= LEAST_SHARE && share <= 1 && violations.total === 0;
  if (!kept) process.exitCode = 1;
  const figures = [
    `${spent} of ${allowed}`.padStart(18),
    `${(100 * share).toFixed(1)} %`.padStart(8),
    `${violations.total} violations`.padStart(13),
    `${faults} faults`.padStart(11),
  ];
  console.log(
    `${name.padEnd(46)} ${figures.join('  ')}${kept ? '' : `  BROKEN ${JSON.stringify(violations.recent.slice(0, 3))}`}`,
  );
}

/** Returns what one fleet spends in the measured time after its first call. */
/** @param {any} scenario one of SCENARIOS */
async function measured(servers, scenario) {
  const { accounts, messages, scale, workers, faults = [], trouble, projects = 1 } = scenario;
  const { url: databaseUrl, pool } = await freshDatabase(servers);
  await pool.end();
  const redis = await startRedis();
  const simulator = start('packages/simulator/dist/main.js', [
    '--seed',
    '1',
    '--accounts',
    String(accounts),
    '--messages',
    String(messages),
    '--body-bytes',
    '300',
    '--calendars',
    '1',
    '--events',
    '1',
    '--quota-scale',
    String(scale),
  ]);
  const api = JSON.parse(await firstLine(simulator)).url;
  const masterKey = randomBytes(32);
  const quotas = {
    GMAIL_UNITS_PER_USER_MINUTE: String(USER_MINUTE * scale),
    GMAIL_UNITS_PER_PROJECT_MINUTE: String((PROJECT_MINUTE * scale) / projects),
  };
  const env = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redis.url,
    GOOGLE_API_URL: api,
    SYNCLINE_MASTER_KEY: masterKey.toString('base64'),
    ...quotas,
    LOG_LEVEL: trouble ? 'fatal' : 'error',
    ...(projects > 1 ? { GOOGLE_PROJECTS_FILE: projectsFile(projects) } : {}),
  };
  await importAccounts(databaseUrl, masterKey, api, (index) =>
    index % projects === 0 ? 'default' : `p${index % projects}`,
  );
  for (const fault of faults)
    await fetch(`${api}/sim/faults`, { method: 'POST', body: JSON.stringify(fault) });
  const fleet = [
    start('apps/scheduler/dist/main.js', [], env),
    ...Array.from({ length: workers }, () => start('apps/worker/dist/main.js', [], env)),
  ];
  for (const member of fleet) member.stdout.resume(); // A full pipe would stop the process.
  try {
    return await spentAt(api, trouble && (() => trouble(redis)));
  } finally {
    await Promise.all(fleet.map(stop));
    await stop(simulator);
    await redis.stop();
  }
}

/** Returns the projects beside the default one, with its limits. */
function projectsFile(projects) {
  const file = path.join(DATA_DIR, 'projects.json');
  const list = Array.from({ length: projects - 1 }, (_, i) => ({
    name: `p${i + 1}`,
    clientId: `client-p${i + 1}`,
    clientSecret: 'simulated',
  }));
  writeFileSync(file, JSON.stringify(list));
  return file;
}

async function spentAt(api, trouble) {
  while ((await ledgerOf(api)).project.gmailUnits === 0) await sleep(20);
  const endMs = performance.now() + MEASURED_MS;
  if (trouble) {
    await sleep(MEASURED_MS / 3);
    await trouble();
  }
  await sleep(endMs - performance.now());
  const { project, violations, faults } = await ledgerOf(api);
  return {
    spent: project.gmailUnits,
    violations,
    faults: Object.values(faults).reduce((sum, count) => sum + count, 0),
  };
}

/** Restarts Redis with no data, like one without persistence. */
async function restartedEmpty(redis) {
  await redis.flush();
  await redis.restart(500);
}

/** @returns {Promise<any>} the simulator's ledger */
async function ledgerOf(api) {
  return (await fetch(`${api}/sim/ledger`)).json();
}
