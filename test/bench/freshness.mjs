/**
 * freshness: accounts with watches, and changes at a steady pace. For each change, the time from
 * the call that makes it in the simulator (which publishes within that call, and Pub/Sub pushes at
 * once) until the row is found committed. Both ends are measured from outside, so the figures are
 * upper bounds. Scheduler, worker, API, Postgres, Redis and the simulator share this machine;
 * quotas off, no latency.
 *
 * --accounts=N (1,000), --changes=N a second (50), --seconds=N (20). --beside=N measures once more
 * while N other mailboxes (of --messages=N, 500) are synced in full. Google's limits then apply, at
 * a quarter, so that the full syncs saturate the project's quota and not this machine. They are
 * connected by `syncline accounts import`, since importing in the measuring process would delay its
 * queries. Their number is small because the simulator holds all of them in memory, and with
 * 400,000 messages its garbage collector stops it for half a second at times. Each account changes
 * every accounts/changes seconds, in a random order: Gmail drops changes within a second of a
 * mailbox's last notification, which is not measured here.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbedded } from '@syncline/runtime';
import { figure } from './figures.mjs';
import { accountsOf, freshDatabase, importAccounts } from './fleet.mjs';
import { firstLine, rssMb, start, stolenSeconds, stop, usage } from './processes.mjs';

const DATA_DIR = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  '../../.syncline/bench',
);
const TOPIC = 'projects/bench/topics/gmail';
const SERVICE_ACCOUNT = 'push@bench.iam.gserviceaccount.com';
const CHECK_EVERY_MS = 5;
/** A change that is not stored within this time is a failure of the benchmark. */
const PATIENCE_MS = 90_000;
/**
 * Slower changes are reported by their second: all in one second indicate a pause, scattered ones a
 * lack of capacity.
 */
const SLOW_MS = 500;

export async function freshness(plan = planOf(process.argv)) {
  const servers = await startEmbedded({ dataDir: DATA_DIR });
  try {
    console.log(
      `freshness, ${plan.accounts} accounts with watches, ${plan.changes} changes a second for ${plan.seconds} s; everything on this machine`,
    );
    await withFleet(servers, plan, async (stage) => {
      const stolen = stolenSeconds();
      console.log('nothing beside:');
      const idle = report(await measure(stage, plan), plan);
      const changes = plan.changes * plan.seconds;
      figure('freshness, p50', idle.at(0.5), 'ms', '≤ 150');
      figure('freshness, p99', idle.at(0.99), 'ms', '≤ 500');
      for (const name of ['worker', 'api', 'scheduler', 'simulator'])
        figure(`freshness, ${name} CPU`, (1_000 * stage.cpu(name)) / changes, 'ms per change');
      if (plan.beside > 0) {
        const join = await makeAccounts(stage, {
          tenant: 'beside',
          accounts: plan.beside,
          messages: plan.messages,
        });
        console.log(
          `beside ${plan.beside} mailboxes of ${plan.messages} that are synced in full, from the moment at which they connect:`,
        );
        const before = await totals(stage);
        const [latencies] = await Promise.all([
          measure(stage, { ...plan, among: (email) => email.endsWith('@demo.example') }),
          join(),
        ]);
        const busy = report(latencies, plan);
        const after = await totals(stage);
        console.log(
          `  meanwhile the full syncs listed ${after.listed - before.listed} messages and stored ${after.stored - before.stored}`,
        );
        console.log(
          `  p50 ${(busy.at(0.5) / idle.at(0.5)).toFixed(2)} ×, p99 ${(busy.at(0.99) / idle.at(0.99)).toFixed(2)} ×`,
        );
      }
      console.log(await stage.notifications());
      console.log(
        `CPU seconds of ${plan.seconds}: worker ${stage.cpu('worker')}, API ${stage.cpu('api')}, scheduler ${stage.cpu('scheduler')}, simulator ${stage.cpu('simulator')}; stolen by other machines in all ${(stolenSeconds() - stolen).toFixed(1)}`,
      );
    });
  } finally {
    await servers.release();
  }
}

export function planOf(argv) {
  const numberOf = (name, byDefault) =>
    Number(argv.find((arg) => arg.startsWith(`--${name}=`))?.split('=')[1] ?? byDefault);
  const beside = numberOf('beside', 0);
  return {
    accounts: numberOf('accounts', 1_000),
    changes: numberOf('changes', 50),
    seconds: numberOf('seconds', 20),
    beside,
    messages: numberOf('messages', 500),
    ...(beside > 0 ? { quota: 0.25 } : {}),
  };
}

function report(latencies, plan) {
  const shown = quantiles(latencies);
  const { sorted, at } = shown;
  console.log(
    `notification → committed row: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms (${sorted.length} changes)`,
  );
  const slow = [
    ...new Set(latencies.filter(({ ms }) => ms > SLOW_MS).map(({ second }) => second)),
  ].toSorted((a, b) => a - b);
  if (slow.length > 0)
    console.log(`  slower than ${SLOW_MS} ms: changes of the seconds ${slow.join(', ')}`);
  if (sorted.length !== plan.changes * plan.seconds)
    throw new Error(`${sorted.length} of ${plan.changes * plan.seconds} changes were stored`);
  return shown;
}

/**
 * Starts a fleet with watched mailboxes. `quota` scales Google's limits, in the simulator and in
 * the fleet alike; without it there are none.
 */
export async function withFleet(servers, plan, act) {
  const { url: databaseUrl, pool } = await freshDatabase(servers);
  const limits = plan.quota === undefined ? ['--no-quota'] : ['--quota-scale', String(plan.quota)];
  const children = {
    simulator: start('packages/simulator/dist/main.js', [
      ...limits,
      '--seed',
      '1',
      '--accounts',
      String(plan.accounts),
      '--messages',
      '3',
      '--calendars',
      '1',
      '--events',
      '1',
    ]),
  };
  try {
    const google = JSON.parse(await firstLine(children.simulator)).url;
    const masterKey = randomBytes(32);
    const env = envOf({
      databaseUrl,
      redisUrl: servers.redisUrl,
      google,
      masterKey,
      quota: plan.quota,
    });
    await importAccounts(databaseUrl, masterKey, google);
    children.api = start('apps/api/dist/main.js', [], {
      ...env,
      LOG_LEVEL: 'info',
      PORT: '0',
      OPERATOR_PORT: '0',
    });
    const { url: api, operatorUrl } = await listeningOf(children.api);
    const subscription = {
      name: 'projects/bench/subscriptions/s',
      topic: TOPIC,
      pushEndpoint: `${api}/push/gmail`,
      serviceAccountEmail: SERVICE_ACCOUNT,
    };
    await post(`${google}/sim/pubsub`, { subscriptions: [{ ...subscription, audience: 'bench' }] });
    children.worker = start('apps/worker/dist/main.js', [], env);
    children.scheduler = start('apps/scheduler/dist/main.js', [], env);
    await caughtUp(pool, plan.accounts);
    // The time of the sync messages, after which Gmail drops changes for a second, and of the syncs
    // that follow them.
    await pause(4_000);
    const before = Object.fromEntries(
      Object.entries(children).map(([name, child]) => [name, usage([child.pid]).cpuSeconds]),
    );
    await act({
      pool,
      google,
      api,
      env,
      masterKey,
      rssMb: (name) => rssMb(children[name].pid),
      cpu: (name) => (usage([children[name].pid]).cpuSeconds - before[name]).toFixed(1),
      notifications: () => notificationsOf(operatorUrl),
    });
  } finally {
    const { simulator, ...fleet } = children;
    await Promise.all(Object.values(fleet).map(stop));
    await stop(simulator);
    await pool.end();
  }
}

const QUOTAS = {
  GMAIL_UNITS_PER_USER_MINUTE: 6_000,
  GMAIL_UNITS_PER_PROJECT_MINUTE: 1_200_000,
  GMAIL_UNITS_PER_PROJECT_DAY: 80_000_000,
  CALENDAR_REQUESTS_PER_USER_MINUTE: 600,
  CALENDAR_REQUESTS_PER_PROJECT_MINUTE: 10_000,
};

function envOf({ databaseUrl, redisUrl, google, masterKey, quota }) {
  const quotas = Object.entries(QUOTAS).map(([name, limit]) => [
    name,
    quota === undefined ? '1000000000' : String(limit * quota),
  ]);
  return {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    GOOGLE_API_URL: google,
    SYNCLINE_MASTER_KEY: masterKey.toString('base64'),
    ...Object.fromEntries(quotas),
    GMAIL_PUBSUB_TOPIC: TOPIC,
    PUSH_GMAIL_AUDIENCE: 'bench',
    PUSH_GMAIL_SERVICE_ACCOUNT: SERVICE_ACCOUNT,
    // A job waits for Google, Postgres and Redis most of its time: slots are cheap, and half of
    // them are for incremental syncs.
    WORKER_CONCURRENCY: '64',
  };
}

/**
 * Makes accounts in the simulator, which keeps it busy for seconds.
 * @returns a function that connects all of them at once
 */
export async function makeAccounts({ google, env }, { tenant, accounts, messages }) {
  const lines = [];
  for (let i = 0; i < accounts; i++) {
    const { email, refreshToken } = await post(`${google}/sim/accounts`, {
      email: `user${i}@${tenant}.example`,
      messages,
      calendars: 1,
      eventsPerCalendar: 1,
    });
    lines.push(JSON.stringify({ email, refreshToken, tenant, resources: ['gmail'] }));
  }
  return async () => {
    const importing = start(
      'apps/cli/dist/main.js',
      ['accounts', 'import', '-', '--no-verify'],
      env,
      'ignore',
      'pipe',
    );
    importing.stdout.resume();
    importing.stdin.end(lines.join('\n'));
    const [code] = await once(importing, 'exit');
    if (code !== 0) throw new Error(`syncline accounts import ended with ${code}`);
  };
}

export function quantiles(latencies) {
  const sorted = latencies.map(({ ms }) => ms).toSorted((a, b) => a - b);
  return {
    sorted,
    at: (share) =>
      Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]),
  };
}

/**
 * Returns the line in which the API reports its address. A revision with one listener has no
 * `operatorUrl`.
 */
async function listeningOf(child) {
  child.stdout.setEncoding('utf8');
  let text = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const listening = text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
      .find(({ event }) => event === 'listening');
    if (!listening) continue;
    child.stdout.resume(); // A full pipe would stop the API.
    const url = listening.url.replace('localhost', '127.0.0.1');
    return { url, operatorUrl: listening.operatorUrl ?? url };
  }
  throw new Error('the API ended before it listened');
}

/**
 * Waits until every mailbox is in phase incremental, every watch is on, and its sync message has
 * arrived.
 */
async function caughtUp(pool, accounts) {
  for (;;) {
    const { rows } = await pool.query(
      "SELECT count(*) AS on FROM syncline.watches w JOIN syncline.collections c ON c.id = w.collection_id WHERE w.state = 'on' AND c.phase = 'incremental' AND c.notified_at > w.watched_at AND c.caught_up_at > c.notified_at",
    );
    if (Number(rows[0].on) === accounts) return;
    await pause(200);
  }
}

async function totals({ pool }) {
  const { rows } = await pool.query(`
    SELECT (SELECT count(*)::int FROM syncline.full_sync_items w JOIN syncline.accounts a ON a.id = w.account_id WHERE a.tenant = 'beside') AS listed,
           (SELECT count(*)::int FROM syncline.gmail_messages m JOIN syncline.accounts a ON a.id = m.account_id WHERE a.tenant = 'beside') AS stored`);
  return rows[0];
}

/**
 * Makes the changes on time, for the accounts that `among` selects, regardless of late responses,
 * and looks for their rows.
 * @returns for each stored change its delay in ms, and the second in which it was made
 */
export async function measure({ pool, google }, plan) {
  const ids = new Map(
    (await pool.query('SELECT email, id FROM syncline.accounts')).rows.map(({ email, id }) => [
      email,
      id,
    ]),
  );
  const emails = (await accountsOf(google))
    .map(({ email }) => email)
    .filter(plan.among ?? (() => true))
    .toSorted(() => Math.random() - 0.5);
  const waiting = new Map();
  const latencies = [];
  const sending = [];
  const began = performance.now();
  const total = plan.changes * plan.seconds;
  const change = async (email) => {
    const atMs = performance.now();
    const { messageId } = await post(`${google}/sim/accounts/${encodeURIComponent(email)}/act`, {
      action: 'deliver',
    });
    waiting.set(messageId, { atMs, accountId: ids.get(email) });
  };
  const stored = async () => {
    if (waiting.size === 0) return;
    const asked = [...waiting];
    const { rows } = await pool.query({
      name: 'stored',
      text: 'SELECT m.id FROM unnest($1::uuid[], $2::text[]) AS u(account_id, id) JOIN syncline.gmail_messages m ON m.account_id = u.account_id AND m.id = u.id',
      values: [asked.map(([, { accountId }]) => accountId), asked.map(([id]) => id)],
    });
    const seenMs = performance.now();
    for (const { id } of rows) {
      const { atMs } = waiting.get(id);
      latencies.push({ ms: seenMs - atMs, second: Math.floor((atMs - began) / 1_000) });
      waiting.delete(id);
    }
  };
  while (
    latencies.length < total &&
    performance.now() - began < plan.seconds * 1_000 + PATIENCE_MS
  ) {
    while (sending.length < Math.min(total, ((performance.now() - began) / 1_000) * plan.changes))
      sending.push(change(emails[sending.length % emails.length]));
    await stored();
    await pause(CHECK_EVERY_MS);
  }
  await Promise.all(sending);
  return latencies;
}

/** Reads the API's own metrics; a notification is answered after its write. */
async function notificationsOf(operatorUrl) {
  const text = await (await fetch(`${operatorUrl}/metrics`)).text();
  const value = (name, labels) =>
    Number(new RegExp(`^${name}\\{${labels}\\} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  const answered = value('syncline_notification_seconds_count', 'via="gmail-push"');
  const within = (le) =>
    (
      (100 * value('syncline_notification_seconds_bucket', `le="${le}",via="gmail-push"`)) /
      answered
    ).toFixed(1);
  return `${value('syncline_notifications_total', 'via="gmail-push",outcome="notified"')} notifications, sync messages included; answered within 10 ms ${within(0.01)} %, within 50 ms ${within(0.05)} %`;
}

/** @returns {Promise<any>} the answer's document */
export async function post(url, body) {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${url.split('?')[0]}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
