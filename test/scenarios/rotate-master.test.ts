import { randomBytes } from 'node:crypto';
import { openStore } from '@syncline/store';
import { testRuntime } from '../support/database.js';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { ended, endProcess, lineOf, startProgram, type Started } from '../support/processes.js';
import { freePort } from '../support/redis-server.js';

/*
 * A fleet as an operator runs it, whose master key is replaced while it syncs.
 */

const ACCOUNTS = 6;
/** Of each account the list and its one calendar. */
const CHANNELS = 2 * ACCOUNTS;
const PROGRAMS = ['scheduler', 'worker', 'api'] as const;
const OLD = randomBytes(32);
const NEW = randomBytes(32);
const FOLLOWED = 'SELECT count(*)::int AS n FROM syncline.channels WHERE resource_id IS NOT NULL';

let world: FleetWorld;
let port: number;
let running: Started[] = [];

beforeAll(async () => {
  port = await freePort();
  world = await startFleetWorld({
    seed: 41,
    accounts: ACCOUNTS,
    messagesPerAccount: 4,
    calendarsPerAccount: 1,
    eventsPerCalendar: 2,
  });
  world.env = {
    ...world.env,
    ...keysOf(OLD),
    PORT: String(port),
    PUSH_BASE_URL: `http://127.0.0.1:${port}`,
  };
});
afterAll(() => world.close());

test('the master key is replaced while accounts sync: nothing fails, nothing remains, and the old key can go', async () => {
  await startFleet();
  const accounts = await world.control.accounts();
  await world.import(accounts.map(({ email, refreshToken }) => ({ email, refreshToken })));
  await world.untilRows(FOLLOWED, [{ n: CHANNELS }], 120_000);
  const oldChannel = await channelUnder(OLD);

  world.env = { ...world.env, ...keysOf(NEW, OLD) };
  const refused = await world.cli('keys', 'rotate-master');
  expect(refused.code).toBe(1);
  for (const program of PROGRAMS)
    expect(refused.stderr).toMatch(new RegExp(`${program} on \\S+, pid \\d+: lacks the new key`));

  await restartFleet();
  expect(await notify(oldChannel)).toBe(204);
  const killed = startProgram('cli', world.env, ['keys', 'rotate-master', '--rate', '1']);
  await untilSomeUnderNewKey();
  await endProcess(killed, 'SIGKILL');
  const before = await underNewKey();
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(ACCOUNTS);
  expect(await notify(oldChannel)).toBe(204);
  expect(JSON.parse((await resumed()).stdout)).toEqual({
    resealed: ACCOUNTS - before,
    unreadable: 0,
    renewedChannels: CHANNELS,
    remaining: 0,
  });
  expect(await underNewKey()).toBe(ACCOUNTS);
  expect(
    await world.rows(
      "SELECT count(*)::int AS n FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE c.failures > 0 OR c.parked IS NOT NULL OR a.state <> 'active'",
    ),
  ).toEqual([{ n: 0 }]);
  expect((await world.control.ledger()).callsAfterInvalidGrant).toBe(0);

  const newChannel = await channelUnder(NEW);
  world.env = { ...world.env, ...keysOf(NEW), POLL_INTERVAL_ACTIVE_SECONDS: '3600' };
  await restartFleet();
  expect([await notify(newChannel), await notify(oldChannel)]).toEqual([204, 403]);
  const [{ email }] = accounts as [(typeof accounts)[0]];
  const { eventId } = world.simulator.act(email, { action: 'event-create', calendarId: email }) as {
    eventId: string;
  };
  await world.untilRows(
    `SELECT count(*)::int AS n FROM syncline.calendar_events WHERE id = '${eventId}'`,
    [{ n: 1 }],
    60_000,
  );
  const wrong = await ended(startProgram('worker', { ...world.env, ...keysOf(OLD) }));
  expect(wrong.code).toBe(1);
  expect(wrong.stdout + wrong.stderr).toContain('SYNCLINE_MASTER_KEY is not the key that sealed');
}, 300_000);

/** The lease of a killed command ends within 15 s; until then the next one is refused by name. */
async function resumed(): Promise<{ stdout: string }> {
  for (;;) {
    const done = await world.cli('keys', 'rotate-master', '--json');
    if (done.code === 0) return done;
    expect(done.stderr).toContain('Another `keys rotate-master` is running');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

/** With its token, as Google posts to it. */
interface Channel {
  id: string;
  token: string;
  resourceId: string;
}

async function channelUnder(masterKey: Buffer): Promise<Channel> {
  const store = await openStore(testRuntime(), {
    databaseUrl: world.database.url,
    masterKey,
    takesOtherKey: true,
    poolSize: 1,
  });
  const [row] = await world.rows<{ id: string; resourceId: string }>(
    'SELECT id, resource_id AS "resourceId" FROM syncline.channels WHERE key_id = $1 AND NOT superseded ORDER BY id LIMIT 1',
    [store.vault.keyId],
  );
  const channel = { ...row!, token: store.vault.channelToken(row!.id) };
  await store.close();
  return channel;
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

async function untilSomeUnderNewKey(): Promise<void> {
  while ((await underNewKey()) === 0) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function underNewKey(): Promise<number> {
  const [row] = await world.rows<{ n: number }>(
    'SELECT count(*)::int AS n FROM syncline.credentials WHERE key_id = (SELECT key_id FROM syncline.master_keys WHERE NOT is_retiring ORDER BY current_since DESC LIMIT 1)',
  );
  return row!.n;
}

function keysOf(current: Buffer, old?: Buffer): Record<string, string> {
  return {
    SYNCLINE_MASTER_KEY: current.toString('base64'),
    SYNCLINE_MASTER_KEY_OLD: old?.toString('base64') ?? '',
  };
}

async function startFleet(): Promise<void> {
  running = PROGRAMS.map((program) => world.start(program));
  for (const program of running)
    await lineOf(program, (line) => line.includes('"event":"ready"'), 60_000);
}

async function restartFleet(): Promise<void> {
  await Promise.all(running.map((program) => world.stop(program)));
  await startFleet();
}
