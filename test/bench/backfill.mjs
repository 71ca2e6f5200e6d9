/**
 * backfill: a mailbox of 20,000 messages, and twenty of 1,000, from the simulator (quotas off, no latency) into Postgres, by a scheduler
 * and one worker as an operator runs them; everything shares this machine. Beside it the plain loop that one would write first:
 * one googleapis messages.get and one Prisma upsert at a time.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbedded } from '@syncline/runtime';
import { accountsOf, freshDatabase, importAccounts } from './fleet.mjs';
import { plainLoop } from './plain-loop.mjs';
import { firstLine, start, stop, usage } from './processes.mjs';

const DATA_DIR = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../.syncline/bench');
const PLAIN_MESSAGES = 1_000;

export async function backfill() {
  const servers = await startEmbedded({ dataDir: DATA_DIR });
  try {
    console.log('backfill, quotas off, no latency; simulator, Postgres, Redis, scheduler and one worker on this machine');
    const large = await fleetRun(servers, { accounts: 1, messages: 20_000 });
    report('one mailbox of 20,000', large);
    const many = await fleetRun(servers, { accounts: 20, messages: 1_000 });
    report('20 mailboxes of 1,000', many);
    const plain = await plainRun(servers);
    report(`plain loop, ${PLAIN_MESSAGES} of one mailbox`, plain);
    console.log(`ratio to the plain loop: ${(large.perSecond / plain.perSecond).toFixed(1)} × the messages per second, ${(plain.cpuPer1000 / large.cpuPer1000).toFixed(1)} × less client CPU per message`);
  } finally {
    await servers.release();
  }
}

function report(what, run) {
  const server = run.postgresCpuPer1000 === undefined ? '' : `, Postgres ${run.postgresCpuPer1000.toFixed(2)} CPU s per 1,000`;
  console.log(`${what.padEnd(34)} ${String(Math.round(run.perSecond)).padStart(6)} messages/s, client ${run.cpuPer1000.toFixed(2)} CPU s per 1,000 messages, peak RSS ${Math.round(run.peakMb)} MB${server}`);
}

async function fleetRun(servers, { accounts, messages }) {
  const { url: databaseUrl, pool } = await freshDatabase(servers);
  const simulator = start('packages/simulator/dist/main.js', ['--no-quota', '--seed', '1', '--accounts', String(accounts), '--messages', String(messages), '--calendars', '1']);
  const api = JSON.parse(await firstLine(simulator)).url;
  const masterKey = randomBytes(32);
  const unlimited = Object.fromEntries(
    ['GMAIL_UNITS_PER_USER_MINUTE', 'GMAIL_UNITS_PER_PROJECT_MINUTE', 'GMAIL_UNITS_PER_PROJECT_DAY', 'CALENDAR_REQUESTS_PER_USER_MINUTE', 'CALENDAR_REQUESTS_PER_PROJECT_MINUTE'].map((name) => [name, '1000000000']),
  );
  const env = { DATABASE_URL: databaseUrl, REDIS_URL: servers.redisUrl, GOOGLE_API_URL: api, SYNCLINE_MASTER_KEY: masterKey.toString('base64'), ...unlimited };
  await importAccounts(databaseUrl, masterKey, api);
  const began = performance.now();
  const serverBefore = await postgresCpu(pool);
  const worker = start('apps/worker/dist/main.js', [], env);
  const scheduler = start('apps/scheduler/dist/main.js', [], env);
  try {
    await allStored(pool, accounts * messages);
    const seconds = (performance.now() - began) / 1_000;
    const { cpuSeconds, peakMb } = usage([worker.pid]);
    const postgresCpuPer1000 = ((await postgresCpu(pool)) - serverBefore) / ((accounts * messages) / 1_000);
    return { perSecond: (accounts * messages) / seconds, cpuPer1000: cpuSeconds / ((accounts * messages) / 1_000), peakMb, postgresCpuPer1000 };
  } finally {
    await Promise.all([worker, scheduler].map(stop));
    await stop(simulator);
    await pool.end();
  }
}

async function plainRun(servers) {
  const { url, pool } = await freshDatabase(servers);
  const simulator = start('packages/simulator/dist/main.js', ['--no-quota', '--seed', '1', '--accounts', '1', '--messages', String(PLAIN_MESSAGES), '--calendars', '1']);
  try {
    const api = JSON.parse(await firstLine(simulator)).url;
    const [{ refreshToken }] = await accountsOf(api);
    return await plainLoop({ api, refreshToken, databaseUrl: url });
  } finally {
    await stop(simulator);
    await pool.end();
  }
}

/** Every mailbox follows, and every message is there: the end of a backfill, its sweep included. */
async function allStored(pool, messages) {
  for (;;) {
    const { rows } = await pool.query(`SELECT (SELECT count(*) FROM collections WHERE phase <> 'follow') AS open, (SELECT coalesce(sum(progress_done), 0) FROM collections) AS done`);
    if (Number(rows[0].open) === 0 && Number(rows[0].done) >= messages) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { rows } = await pool.query('SELECT count(*) AS stored FROM gmail_messages');
  if (Number(rows[0].stored) !== messages) throw new Error(`${rows[0].stored} of ${messages} messages are stored`);
}

/** CPU seconds of every process of the server: the postmaster counts the dead ones, /proc the living. */
async function postgresCpu(pool) {
  const { rows } = await pool.query('SELECT pg_backend_pid() AS own');
  const postmaster = parentOf(rows[0].own);
  return treeCpu(postmaster);
}

function parentOf(pid) {
  return Number(statOf(pid)[1]);
}

function treeCpu(postmaster) {
  const living = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && safeParent(name) === postmaster);
  const own = statOf(postmaster);
  const dead = Number(own[13]) + Number(own[14]);
  return [postmaster, ...living].reduce((sum, pid) => sum + usage([pid]).cpuSeconds, 0) + dead / 100;
}

function safeParent(pid) {
  try {
    return parentOf(pid);
  } catch {
    return -1; // It ended while we looked.
  }
}

function statOf(pid) {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
}
