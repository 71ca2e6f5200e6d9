import { exited } from '../support/processes.js';
import { ROOMY, SMALL, expectMirrored, keysOf } from '../support/redis-fleet.js';
import { startSentinels, type TestSentinels } from '../support/redis-sentinel.js';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';

/* Real processes on a master that sentinels name. Servers and sentinels have passwords of their own. */

let sentinels: TestSentinels;
let world: FleetWorld;

beforeEach(async () => {
  sentinels = await startSentinels();
  world = await startFleetWorld(
    { ...SMALL, messagesPerAccount: 300, latencyMs: 60, seed: 91 },
    { url: sentinels.url, env: ROOMY },
  );
}, 60_000);
afterEach(async () => {
  await world.close();
  await sentinels.stop();
});

test('when the master is killed during a sync, the fleet continues with the new one and the mirror is complete', async () => {
  expect(await world.importUnverified(await world.control.accounts())).toMatchObject({ code: 0 });
  const fleet = [world.start('scheduler'), world.start('worker'), world.start('worker')];
  await world.untilRows(
    'SELECT count(*) > 20 AS begun FROM syncline.gmail_messages',
    [{ begun: true }],
    120_000,
  );
  await sentinels.failOver();
  await expectMirrored(world);
  expect(fleet.map(({ exitCode }) => exitCode)).toEqual([null, null, null]);
  const keys = await keysOf(await sentinels.masterUrl());
  expect(keys).toContain('syncline:deployment');
  expect(keys.filter((key) => !key.startsWith('syncline:'))).toEqual([]);
}, 240_000);

test.each([
  ['a master that the sentinels do not know', '/main', '/other', 'know no master named other'],
  ["a wrong password of the server's", 'server%2Fpw', 'wrong', 'refuses the credentials'],
  ["a wrong password of the sentinels'", 'sentinel-pw', 'wrong', 'sentinelPassword'],
])(
  '%s is refused in one sentence',
  async (_, right, wrong, sentence) => {
    world.env['REDIS_URL'] = sentinels.url.replace(right, wrong);
    const { code, stderr } = await exited(world.start('scheduler'));
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(sentence);
    expect(code).toBe(1);
  },
  60_000,
);
