import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { openStore } from '@syncline/store';
import { QUEUE_NAMES } from '@syncline/fleet';
import { testRuntime } from '../support/database.js';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { exited, endProcess, lineOf, startProgram, type Started } from '../support/processes.js';
import { freePort, startRedis, type TestRedis } from '../support/redis-server.js';

/*
 * A fleet as an operator runs it, whose master key is replaced while it syncs.
 */

const ACCOUNTS = 200;
/** Accounts that have a calendar mirrored, each with channels for its list and its one calendar. */
const WITH_CALENDAR = 10;
const CHANNELS = 2 * WITH_CALENDAR;
const PROGRAMS = ['scheduler', 'worker', 'api'] as const;
const OLD = randomBytes(32);
const NEW = randomBytes(32);
const CONFIRMED = 'SELECT count(*)::int AS n FROM syncline.channels WHERE resource_id IS NOT NULL';
const BEHIND = 'SELECT count(*)::int AS n FROM syncline.collections WHERE caught_up_at IS NULL';

const LACKS_KEY = { status: 503, body: { status: 'not ready', missing: ['master-key'] } };

let world: FleetWorld;
let redisServer: TestRedis;
let redis: Redis;
let port: number;
let ids: { old: string; now: string };
let emails: string[];
/** The output of every process, including those that have ended. */
const outputs: string[][] = [];

beforeAll(async () => {
  port = await freePort();
  redisServer = await startRedis();
  redis = new Redis(redisServer.url);
  world = await startFleetWorld(
    {
      seed: 41,
      accounts: ACCOUNTS,
      messagesPerAccount: 2,
      calendarsPerAccount: 1,
      eventsPerCalendar: 2,
      bodyBytes: 200,
      quota: { scale: 100 },
    },
    { url: redisServer.url },
  );
  world.env = {
    ...world.env,
    ...keysOf(OLD),
    PORT: String(port),
    PUSH_BASE_URL: `http://127.0.0.1:${port}`,
    WORKER_CONCURRENCY: '16',
    POLL_INTERVAL_ACTIVE_SECONDS: '8',
    POLL_INTERVAL_IDLE_SECONDS: '8',
  };
  ids = { old: await keyIdOf(OLD), now: await keyIdOf(NEW) };
});
afterAll(async () => {
  redis.disconnect();
  await world.close();
  await redisServer.stop();
});

test('S2: the master key is replaced while 200 accounts sync: no sync fails, and the fleet continues without the old key', async () => {
  await mirrorAll();
  let fleet = await startFleet();
  await world.untilRows(BEHIND, [{ n: 0 }], 120_000);
  await world.untilRows(CONFIRMED, [{ n: CHANNELS }], 120_000);
  const oldChannel = await channelUnder(OLD);

  world.env = { ...world.env, ...keysOf(OLD, NEW) };
  const exchanged = await rotateMaster();
  expect(exchanged.code).toBe(1);
  expect(exchanged.stderr).toContain('has sealed nothing here');
  world.env = { ...world.env, ...keysOf(NEW, OLD) };
  const refused = await rotateMaster();
  expect(refused.code).toBe(1);
  for (const program of PROGRAMS)
    expect(refused.stderr).toMatch(new RegExp(`${program} on \\S+, pid \\d+: lacks the new key`));
  fleet = await replaceFleet(fleet);

  await killHalfway(oldChannel);
  await expectMissingKeyBlamesNobody();
  const before = await underKey(ids.now);
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(ACCOUNTS);
  const resumed = await rotateMaster('--json');
  expect(resumed).toMatchObject({ code: 0 });
  expect(JSON.parse(resumed.stdout)).toEqual({
    resealed: ACCOUNTS - before,
    unreadable: 0,
    resealedAccessTokens: expect.any(Number),
    renewedChannels: CHANNELS,
    remaining: 0,
  });
  await expectNothingUnderOldKey();
  const newChannel = await channelUnder(NEW);

  world.env = { ...world.env, ...keysOf(NEW), POLL_INTERVAL_ACTIVE_SECONDS: '3600' };
  await Promise.all(fleet.map((program) => world.stop(program)));
  await startFleet();
  expect([await notify(newChannel), await notify(oldChannel)]).toEqual([204, 404]);
  await expectEventAfterNotification();
  expect(await world.cli('wait', '--timeout', '60')).toMatchObject({ code: 0 });
  expect(await world.cli('verify', emails[0]!, '--json')).toMatchObject({ code: 0 });
  await expectNoFailedSync();
  await expectNoSecretLogged();
  await expectOldKeyRefused();
}, 300_000);

/** Calendars of the first accounts, mail of all. */
async function mirrorAll(): Promise<void> {
  const accounts = await world.control.accounts();
  emails = accounts.map(({ email }) => email);
  const lines = accounts.map(({ email, refreshToken }, i) => ({
    email,
    refreshToken,
    resources: i < WITH_CALENDAR ? ['gmail', 'calendar'] : ['gmail'],
  }));
  expect(await world.importUnverified(lines)).toMatchObject({ code: 0 });
}

async function rotateMaster(...flags: string[]): ReturnType<FleetWorld['cli']> {
  const done = await world.cli('keys', 'rotate-master', ...flags);
  outputs.push([done.stdout, done.stderr]);
  return done;
}

/** One process with both keys makes those that lack the new one not ready; then they are replaced. */
async function replaceFleet(before: readonly Started[]): Promise<Started[]> {
  const first = await startOne('worker');
  await becomes(LACKS_KEY);
  await Promise.all(before.map((program) => world.stop(program)));
  const others = await Promise.all([startOne('scheduler'), startOne('api')]);
  await becomes({ status: 200, body: { status: 'ready' } });
  return [first, ...others];
}

/** Waits for an answer of `/readyz`, by default of the API; fails after 30 s with the last answer. */
async function becomes(expected: { status: number; body: object }, at = port): Promise<void> {
  for (const deadline = performance.now() + 30_000; ;) {
    const answer = await fetch(`http://127.0.0.1:${at}/readyz`);
    const said = { status: answer.status, body: (await answer.json()) as object };
    if (JSON.stringify(said) === JSON.stringify(expected)) return;
    if (performance.now() > deadline) return expect(said).toEqual(expected);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function killHalfway(oldChannel: Channel): Promise<void> {
  const rotation = startProgram('cli', world.env, ['keys', 'rotate-master', '--rate', '25']);
  while ((await underKey(ids.now)) === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await notify(oldChannel)).toBe(204);
  await endProcess(rotation, 'SIGKILL');
  const second = await rotateMaster();
  expect(second.stderr).toMatch(/Another `keys rotate-master` is running .*pid \d+\. If it was/);
  // Its lease ends after 15 s by itself.
  await world.rows(
    "UPDATE syncline.named_leases SET expires_at = now() WHERE name = 'rotate-master'",
  );
}

/** Half of the values are under the old key, which this worker lacks: it is not ready, and leaves their accounts to the other worker. */
async function expectMissingKeyBlamesNobody(): Promise<void> {
  const metricsPort = await freePort();
  const both = world.env;
  world.env = { ...both, ...keysOf(NEW), METRICS_PORT: String(metricsPort) };
  const lacking = await startOne('worker');
  world.env = both;
  await becomes(LACKS_KEY, metricsPort);
  await lineOf(lacking, isKeyMissing, 60_000);
  await world.stop(lacking);
}

const isKeyMissing = (line: string): boolean =>
  line.includes('"outcome":"snoozed"') &&
  line.includes(`a worker lacks the master key with the id ${ids.old}`);

async function expectNothingUnderOldKey(): Promise<void> {
  expect(await underKey(ids.old)).toBe(0);
  expect(await underKey(ids.now)).toBe(ACCOUNTS);
  expect(
    await world.rows(
      'SELECT count(*)::int AS n FROM syncline.channels WHERE key_id IS DISTINCT FROM $1 AND NOT superseded',
      [ids.now],
    ),
  ).toEqual([{ n: 0 }]);
  const tokens = await sharedTokens();
  expect(tokens.length).toBeGreaterThanOrEqual(ACCOUNTS);
  expect(tokens.filter((keyId) => keyId !== ids.now)).toEqual([]);
}

/** The ids of the keys that the shared access tokens are sealed with. */
async function sharedTokens(): Promise<string[]> {
  const keys = await redis.keys('*:access-token');
  const values = await redis.mget(keys);
  return values.flatMap((value) =>
    value === null ? [] : [headerOf(Buffer.from(value, 'base64'))],
  );
}

/** Rows by what the sealed value itself says, which the column beside it must say too. */
async function underKey(keyId: string): Promise<number> {
  const rows = await world.rows<{ sealed: Buffer; keyId: string }>(
    'SELECT sealed, key_id AS "keyId" FROM syncline.credentials',
  );
  expect(rows.filter((row) => headerOf(row.sealed) !== row.keyId)).toEqual([]);
  return rows.filter((row) => row.keyId === keyId).length;
}

/** The key id, which follows the byte of the format version. */
function headerOf(sealed: Buffer): string {
  return sealed.subarray(1, 7).toString('hex');
}

/** The keys, and the tokens that they seal. */
async function expectNoSecretLogged(): Promise<void> {
  const { refreshToken } = (await world.control.accounts())[0]!;
  const text = outputs.flat().join('');
  for (const key of [OLD, NEW])
    for (const form of ['base64', 'base64url', 'hex'] as const)
      expect(text).not.toContain(key.toString(form).slice(0, 40));
  expect(text).not.toContain(refreshToken);
  expect(text).not.toContain('ya29.');
}

/** Checks rows, failed jobs of the queues, and the logged outcome of each run. */
async function expectNoFailedSync(): Promise<void> {
  expect(
    await world.rows(
      "SELECT c.kind, c.failures, c.error, c.parked, a.state FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE c.failures > 0 OR c.error IS NOT NULL OR c.parked IS NOT NULL OR a.state <> 'active'",
    ),
  ).toEqual([]);
  for (const queue of QUEUE_NAMES)
    expect(await redis.zcard(`syncline:{${queue}}:${queue}:failed`)).toBe(0);
  const logged = outputs
    .flatMap((output) => output.join('').split('\n'))
    .filter((line) => line.startsWith('{'))
    .map(
      (line) =>
        JSON.parse(line) as { event?: string; outcome?: string; why?: string; count?: number },
    );
  const runs = logged.filter(({ event }) => event === 'job');
  const quiet = logged.filter(({ event }) => event === 'quiet_syncs');
  const counted = quiet.reduce((sum, { count = 0 }) => sum + count, runs.length);
  expect(counted).toBeGreaterThan(2 * ACCOUNTS);
  expect(
    runs.filter(({ outcome }) => outcome === 'reauth-required' || outcome === 'parked'),
  ).toEqual([]);
  const expected = /^waiting for |^a worker lacks the master key /;
  expect(runs.filter(({ why }) => why !== undefined && !expected.test(why))).toEqual([]);
  expect(
    logged.filter(({ event }) => event === 'job_failed' || event === 'sealed_value_rejected'),
  ).toEqual([]);
  expect((await world.control.ledger()).callsAfterInvalidGrant).toBe(0);
}

/** Nothing is polled within an hour, so the notification brings it. */
async function expectEventAfterNotification(): Promise<void> {
  const [email] = emails as [string];
  const { eventId } = world.simulator.act(email, { action: 'event-create', calendarId: email }) as {
    eventId: string;
  };
  await world.untilRows(
    `SELECT count(*)::int AS n FROM syncline.calendar_events WHERE id = '${eventId}'`,
    [{ n: 1 }],
    60_000,
  );
}

async function expectOldKeyRefused(): Promise<void> {
  const [alone, exchanged] = await Promise.all(
    [keysOf(OLD), keysOf(OLD, NEW)].map((keys) =>
      exited(startProgram('worker', { ...world.env, ...keys })),
    ),
  );
  expect([alone!.code, exchanged!.code]).toEqual([1, 1]);
  expect(alone!.stdout + alone!.stderr).toContain('SYNCLINE_MASTER_KEY is not the key that sealed');
  expect(exchanged!.stdout + exchanged!.stderr).toContain(
    'was replaced by `syncline keys rotate-master`',
  );
}

/** With its token, as Google posts to it. */
interface Channel {
  id: string;
  token: string;
  resourceId: string;
}

async function channelUnder(masterKey: Buffer): Promise<Channel> {
  const [row] = await world.rows<{ id: string; resourceId: string }>(
    'SELECT id, resource_id AS "resourceId" FROM syncline.channels WHERE key_id = $1 AND NOT superseded ORDER BY id LIMIT 1',
    [await keyIdOf(masterKey)],
  );
  return { ...row!, token: await withVault(masterKey, (vault) => vault.channelToken(row!.id)) };
}

const keyIdOf = (masterKey: Buffer): Promise<string> => withVault(masterKey, ({ keyId }) => keyId);

type Vault = Awaited<ReturnType<typeof openStore>>['vault'];

async function withVault<T>(masterKey: Buffer, use: (vault: Vault) => T): Promise<T> {
  const store = await openStore(testRuntime(), {
    databaseUrl: world.database.url,
    masterKey,
    takesOtherKey: true,
    poolSize: 1,
  });
  try {
    return use(store.vault);
  } finally {
    await store.close();
  }
}

async function notify({ id, token, resourceId }: Channel): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/push/calendar`, {
    method: 'POST',
    headers: {
      'x-goog-channel-id': id,
      'x-goog-channel-token': token,
      'x-goog-resource-id': resourceId,
      'x-goog-resource-state': 'exists',
      'x-goog-message-number': '7',
    },
  });
  await answer.arrayBuffer();
  return answer.status;
}

function keysOf(current: Buffer, old?: Buffer): Record<string, string> {
  return {
    SYNCLINE_MASTER_KEY: current.toString('base64'),
    SYNCLINE_MASTER_KEY_OLD: old?.toString('base64') ?? '',
  };
}

function startFleet(): Promise<Started[]> {
  return Promise.all(PROGRAMS.map(startOne));
}

async function startOne(program: (typeof PROGRAMS)[number]): Promise<Started> {
  const started = world.start(program);
  outputs.push(started.output);
  await lineOf(started, (line) => line.includes('"event":"ready"'), 60_000);
  return started;
}
