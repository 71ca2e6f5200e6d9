/**
 * units: the cost of mirroring in Google's quota, as the simulated Google counts it (its own
 * ledger, Google's prices since 2026-05, limits enforced but scaled up so that the fleet never
 * waits for the next minute), by a scheduler and one worker as an operator runs them.
 *
 * The bounds beside the figures are the project's targets; exceeding one, or a violation of quota,
 * makes the benchmark fail.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbedded } from '@syncline/runtime';
import { freshDatabase, importAccounts, openBenchStore } from './fleet.mjs';
import { firstLine, start, stop } from './processes.mjs';

const DATA_DIR = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  '../../.syncline/bench',
);
const EMAIL = 'user1@demo.example';
const QUOTA_SCALE = 1_000;
const BACKFILLS = [
  { threadLength: 1, atMost: 20.1 },
  { threadLength: 3, atMost: 14 },
  { threadLength: 8, atMost: 6 },
];
const BACKFILL_MESSAGES = 3_000;
const RESYNC_MESSAGES = 10_000;
const RESYNC_AT_MOST = 0.3;

export async function units() {
  const servers = await startEmbedded({ dataDir: DATA_DIR });
  try {
    console.log(
      `units of Gmail's quota, counted by the simulator at the prices of the new tier (a message 20, a thread 40, 500 ids 5)`,
    );
    for (const { threadLength, atMost } of BACKFILLS)
      await withFleet(servers, { messages: BACKFILL_MESSAGES, threadLength }, (fleet) =>
        backfillAndLabels(fleet, threadLength, atMost),
      );
    await withFleet(servers, { messages: RESYNC_MESSAGES, threadLength: 3 }, resync);
  } finally {
    await servers.release();
  }
}

async function backfillAndLabels(fleet, threadLength, atMost) {
  const spent = await fleet.spentWhile(() => fleet.caughtUp());
  figure(
    `backfill, ${BACKFILL_MESSAGES} messages in threads of ${threadLength} on average`,
    spent,
    BACKFILL_MESSAGES,
    atMost,
  );
  const later = await fleet.spentWhile(async () => {
    for (let i = 0; i < 60; i++) await fleet.act({ action: i % 2 ? 'label' : 'unlabel' });
    await fleet.caughtUp();
  });
  const gets = later.calls('messages.get') + later.calls('threads.get');
  console.log(
    `  60 label changes after it: ${gets} gets, ${later.units} units${resultWord(gets === 0)}`,
  );
}

async function resync(fleet) {
  await fleet.caughtUp();
  const changed = RESYNC_MESSAGES / 100;
  const kinds = [
    'deliver',
    'label',
    'unlabel',
    'delete',
    'trash',
    'deliver',
    'label',
    'unlabel',
    'label',
    'draft-save',
  ];
  for (let i = 0; i < changed; i++) await fleet.act({ action: kinds[i % kinds.length] });
  await fleet.expireHistory();
  const spent = await fleet.spentWhile(() => fleet.caughtUp());
  figure(
    `resync of ${RESYNC_MESSAGES} messages after an expired history, 1 % changed`,
    spent,
    RESYNC_MESSAGES,
    RESYNC_AT_MOST,
  );
  console.log(`  by method: ${spent.byMethod()}; the guide's way, every message again, costs 20`);
}

function figure(what, spent, messages, atMost) {
  const each = spent.units / messages;
  console.log(
    `${what}: ${each.toFixed(3)} units a message (at most ${atMost})${resultWord(each <= atMost)}`,
  );
}

function resultWord(kept) {
  if (!kept) process.exitCode = 1;
  return kept ? '' : '  BROKEN';
}

/** Runs one mailbox with simulator, scheduler and worker. */
async function withFleet(servers, { messages, threadLength }, measure) {
  const { url: databaseUrl, pool } = await freshDatabase(servers);
  await pool.end();
  const simulator = start('packages/simulator/dist/main.js', [
    '--seed',
    '1',
    '--accounts',
    '1',
    '--messages',
    String(messages),
    '--thread-length',
    String(threadLength),
    '--calendars',
    '1',
    '--quota-scale',
    String(QUOTA_SCALE),
  ]);
  const api = JSON.parse(await firstLine(simulator)).url;
  const masterKey = randomBytes(32);
  const quotas = {
    GMAIL_UNITS_PER_USER_MINUTE: String(6_000 * QUOTA_SCALE),
    GMAIL_UNITS_PER_PROJECT_MINUTE: '1000000000',
    GMAIL_UNITS_PER_PROJECT_DAY: '1000000000',
  };
  const env = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: servers.redisUrl,
    GOOGLE_API_URL: api,
    SYNCLINE_MASTER_KEY: masterKey.toString('base64'),
    ...quotas,
  };
  await importAccounts(databaseUrl, masterKey, api);
  const store = await openBenchStore(databaseUrl, masterKey);
  const processes = [
    start('apps/worker/dist/main.js', [], env),
    start('apps/scheduler/dist/main.js', [], env),
  ];
  try {
    await measure(fleetOver(api, store));
    const { violations } = await ledgerOf(api);
    if (violations.total > 0) throw new Error(`${violations.total} violations of quota`);
  } finally {
    await Promise.all(processes.map(stop));
    await stop(simulator);
    await store.close();
  }
}

function fleetOver(api, store) {
  const send = async (route, body) => {
    const answer = await fetch(api + route, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    if (!answer.ok) throw new Error(`${route}: ${answer.status}`);
  };
  return {
    act: (action) => send(`/sim/accounts/${EMAIL}/act`, action),
    expireHistory: () => send('/sim/faults', { kind: 'expire-history' }),
    async caughtUp() {
      const since = await store.schedule.requestSync(null);
      while ((await store.schedule.behindSince(null, since)).length > 0)
        await new Promise((resolve) => setTimeout(resolve, 100));
    },
    async spentWhile(work) {
      const before = (await ledgerOf(api)).methods;
      await work();
      return spending(before, (await ledgerOf(api)).methods);
    },
  };
}

function spending(before, after) {
  const spent = Object.entries(after).map(([name, count]) => ({
    name,
    calls: count.calls - (before[name]?.calls ?? 0),
    units: count.units - (before[name]?.units ?? 0),
  }));
  return {
    units: spent.reduce((sum, method) => sum + method.units, 0),
    calls: (name) =>
      spent
        .filter((method) => method.name.endsWith(name))
        .reduce((sum, method) => sum + method.calls, 0),
    byMethod: () =>
      spent
        .filter((method) => method.units > 0)
        .map((method) => `${method.name} ${method.units}`)
        .join(', '),
  };
}

/** @returns {Promise<any>} the simulator's ledger */
async function ledgerOf(api) {
  return (await fetch(`${api}/sim/ledger`)).json();
}
