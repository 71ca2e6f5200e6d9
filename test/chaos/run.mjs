/**
 * npm run chaos -- --minutes M --seed S [--faults N --accounts N --messages N --workers N --rate N]
 *
 * A fleet of real processes on real Postgres and Redis mirrors a simulated Google while its users
 * act and faults are injected. Then the faults stop, and the mirror must be complete: 0 missing, 0
 * extra, 0 stale, the feed gapless and equal to the rows, no collection stuck, no quota exceeded.
 * Exit 0, or 1 with the differences. The seed determines the order of the faults; their exact
 * timing depends on the machine. About one fault a second, or `--faults` spread over the minutes.
 */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRuntime, startEmbedded } from '@syncline/runtime';
import { dropDatabase, migrate, openStore } from '@syncline/store';
import pg from 'pg';
import { firstLine, start, stop } from '../bench/processes.mjs';
import { openFleet } from './fleet.mjs';
import { openGoogle } from './google.mjs';
import { openProxy } from './proxy.mjs';
import { watchRecoveries } from './recoveries.mjs';
import { startRedis } from './redis.mjs';
import { faultMenu, draw, generator } from './faults.mjs';
import { checkResult } from './result.mjs';

const DATA_DIR = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  '../../.syncline/chaos',
);
const CALM_TIMEOUT_MS = 180_000;
/** More than the minute after which such an item is tried again. */
const SECOND_CHANCE_TIMEOUT_MS = 90_000;
/** The interval of the checks for recoveries, which bounds the error of their figures. */
const CHECK_EVERY_MS = 250;
/** Most faults last at most this long. */
const FAULT_EFFECT_MS = 4_000;
const OWN_FAULT_MS = 5;
const SHOWN_FAULTS = 16;
const options = readOptions();
const random = generator(options.seed);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

console.log(
  `chaos: seed ${options.seed}, ${options.minutes} minutes, ${options.accounts} accounts × ${options.messages} messages, ${options.workers} workers, 2 schedulers, users act ${options.rate} times a second`,
);
const servers = await startEmbedded({ dataDir: DATA_DIR });
const redis = await startRedis();
/** @type {(() => Promise<unknown> | void)[]} */
const closing = [() => servers.release(), () => redis.stop()];
try {
  process.exitCode = await runChaos();
} finally {
  for (const close of closing.toReversed()) await close();
}

async function runChaos() {
  const databaseUrl = await freshDatabase(servers.administratorUrl);
  const simulator = start(
    'packages/simulator/dist/main.js',
    [
      '--seed',
      String(options.seed),
      '--accounts',
      String(options.accounts),
      '--messages',
      String(options.messages),
      '--calendars',
      '2',
      '--latency',
      '20',
    ],
    {},
    'ignore',
  );
  closing.push(() => stop(simulator));
  const google = await openGoogle(JSON.parse(await firstLine(simulator)).url);
  const proxies = {
    postgres: await openProxy(databaseUrl),
    redis: await openProxy(redis.url),
    google: await openProxy(google.url),
  };
  closing.push(() => Object.values(proxies).forEach((proxy) => proxy.close()));
  const masterKey = randomBytes(32);
  const store = await openStore(createRuntime({ service: 'chaos', logLevel: 'silent' }), {
    databaseUrl,
    masterKey,
  });
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, application_name: 'chaos' });
  pool.on('error', () => undefined);
  closing.push(
    () => store.close(),
    () => pool.end(),
  );
  for (const { email, refreshToken } of google.accounts)
    await store.accounts.import({
      email,
      refreshToken,
      tenant: 'default',
      resources: ['gmail', 'calendar'],
    });
  // Four collections per account: two cores can process a hundred polls a second beside the faults,
  // so the interval grows with the fleet.
  const pollSeconds = Math.max(3, Math.ceil(options.accounts / 25));
  const env = {
    DATABASE_URL: proxies.postgres.url,
    REDIS_URL: proxies.redis.url,
    GOOGLE_API_URL: proxies.google.url,
    SYNCLINE_MASTER_KEY: masterKey.toString('base64'),
    POLL_INTERVAL_ACTIVE_SECONDS: String(pollSeconds),
    POLL_INTERVAL_IDLE_SECONDS: String(Math.ceil(pollSeconds * 1.6)),
  };
  const fleet = openFleet(env, { workers: options.workers, schedulers: 2 });
  closing.push(() => fleet.end());
  await google.rate(options.rate);
  const recoveries = watchRecoveries(pool);
  const fallen = await injectFaults({ fleet, proxies, redis, pool, google, recoveries, random });
  await waitUntilCaughtUp(google, store, recoveries);
  return report(
    await checkResult(store, google),
    await google.ledger(),
    recoveries.summary(),
    fallen,
    fleet.unexpected,
  );
}

/** Injects faults until the time is over; several may be active at once. */
async function injectFaults(targets) {
  const menu = faultMenu(targets);
  const fallen = [];
  const under = [];
  const meanMs = (options.minutes * 60_000) / options.faults;
  const deadline = performance.now() + options.minutes * 60_000;
  while (performance.now() < deadline) {
    await pause(meanMs * (0.2 + 1.6 * random()), targets.recoveries);
    const [, name, deed] = draw(menu, random);
    fallen.push({ name, at: performance.now() });
    under.push(deed().catch((error) => console.error(`${name}: ${error.message}`)));
  }
  await Promise.all(under);
  return fallen;
}

async function pause(ms, recoveries) {
  const until = performance.now() + ms;
  for (let left = ms; left > 0; left = until - performance.now()) {
    await sleep(Math.min(CHECK_EVERY_MS, left));
    await recoveries.poll().catch(() => undefined); // The fault may have hit our own session.
  }
}

/**
 * Stops the faults; the users continue for a while and then stop. Every collection must be synced
 * by a run that began afterwards.
 */
async function waitUntilCaughtUp(google, store, recoveries) {
  await google.clearFaults();
  await sleep(2_000);
  await google.rate(0);
  const since = await store.schedule.requestSync(null);
  const began = performance.now();
  for (let last = ''; ; await sleep(250)) {
    await recoveries.poll();
    const behind = await store.schedule.behindSince(null, since);
    if (behind.length === 0) break;
    if (performance.now() - began > CALM_TIMEOUT_MS)
      throw new Error(
        `${behind.length} collections are stuck, the first: ${JSON.stringify(behind.slice(0, 3))}`,
      );
    const said = `${behind.length} collections behind`;
    if (
      Math.floor((performance.now() - began) / 10_000) !==
        Math.floor((performance.now() - began - 250) / 10_000) &&
      said !== last
    )
      console.log((last = said));
  }
  console.log(
    `all collections caught up ${((performance.now() - began) / 1_000).toFixed(1)} s after the last fault`,
  );
  await retryQuarantined(store);
}

/**
 * Waits for items that were in progress whenever their worker was killed; they are tried again
 * automatically, and count as missing if they are not stored then.
 */
async function retryQuarantined(store) {
  const setAside = async () => (await store.quarantine.list(null)).length;
  const count = await setAside();
  if (count === 0) return;
  const began = performance.now();
  while ((await setAside()) > 0 && performance.now() - began < SECOND_CHANCE_TIMEOUT_MS)
    await sleep(500);
  console.log(
    `${count} items were blamed for the kills; ${await setAside()} of them are still in quarantine ${((performance.now() - began) / 1_000).toFixed(1)} s later`,
  );
}

function report(result, ledger, recovery, fallen, unexpected) {
  const names = fallen.map(({ name }) => name);
  const counts = [...new Set(names)].map((name) => [
    name,
    names.filter((other) => other === name).length,
  ]);
  console.log(`${fallen.length} faults in ${options.minutes} minutes:`);
  for (const [name, count] of counts.sort(([, a], [, b]) => b - a))
    console.log(`${String(count).padStart(5)} × ${name}`);
  console.log(
    `${result.messages} messages, ${result.events} events, ${result.changes} changes in the feeds`,
  );
  console.log(
    `recovery of ${recovery.count} collections of killed workers: p50 ${recovery.p50.toFixed(1)} s, p99 ${recovery.p99.toFixed(1)} s, slowest ${recovery.slowest.toFixed(1)} s`,
  );
  for (const tail of recovery.tails)
    console.log(`${tail.seconds.toFixed(1).padStart(7)} s, meanwhile: ${meanwhile(tail, fallen)}`);
  for (const list of ['missing', 'extra', 'stale', 'feed', 'stuck'])
    for (const what of result[list].slice(0, 10)) console.log(`  ${list}: ${what}`);
  for (const what of unexpected) console.log(`  ${what}`);
  if (ledger.violations.total > 0)
    console.log(`  violations: ${JSON.stringify(ledger.violations.recent.slice(0, 10))}`);
  console.log(
    `feed problems: ${result.feed.length}, stuck accounts: ${result.stuck.length}, quota violations: ${ledger.violations.total}`,
  );
  console.log(
    `drift: ${result.missing.length} missing, ${result.extra.length} extra, ${result.stale.length} stale`,
  );
  const wrong =
    ['missing', 'extra', 'stale', 'feed', 'stuck'].some((list) => result[list].length > 0) ||
    ledger.violations.total > 0 ||
    unexpected.length > 0;
  if (wrong)
    console.log(
      `repeat: npm run chaos -- --minutes ${options.minutes} --seed ${options.seed} --accounts ${options.accounts} --messages ${options.messages}`,
    );
  return wrong ? 1 : 0;
}

/**
 * Returns the faults between a kill and the recovery, with the seconds after the kill, including
 * those shortly before it, since faults last.
 */
function meanwhile({ at, seconds }, fallen) {
  const isOther = (fault) => Math.abs(fault.at - at) > OWN_FAULT_MS;
  const within = fallen.filter(
    (fault) => isOther(fault) && fault.at > at - FAULT_EFFECT_MS && fault.at < at + seconds * 1_000,
  );
  const shown = within
    .slice(0, SHOWN_FAULTS)
    .map((fault) => `${fault.name} (${((fault.at - at) / 1_000).toFixed(1)})`);
  if (within.length > SHOWN_FAULTS) shown.push(`and ${within.length - SHOWN_FAULTS} more`);
  return shown.join(', ') || 'nothing';
}

async function freshDatabase(serverUrl) {
  const url = new URL(serverUrl);
  url.pathname = '/syncline_chaos';
  await dropDatabase(url.href, { force: true });
  await migrate(url.href);
  return url.href;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '2' },
      faults: { type: 'string' },
      seed: { type: 'string' },
      accounts: { type: 'string', default: '20' },
      messages: { type: 'string', default: '100' },
      workers: { type: 'string', default: '3' },
      rate: { type: 'string', default: '10' },
    },
  });
  /** @type {Record<'minutes' | 'faults' | 'seed' | 'accounts' | 'messages' | 'workers' | 'rate', number>} */
  const numbers = /** @type {any} */ (
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]))
  );
  const bad = Object.entries(numbers).find(([, value]) => !(value > 0));
  if (bad) {
    writeSync(2, `--${bad[0]} wants a number above 0\n`);
    process.exit(2);
  }
  return {
    ...numbers,
    faults: numbers.faults ?? numbers.minutes * 60,
    seed: numbers.seed ?? randomBytes(3).readUIntBE(0, 3),
  };
}
