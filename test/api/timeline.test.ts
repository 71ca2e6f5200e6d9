import { startApi, type ApiWorld } from '../support/api-world.js';
import { exited, startProgram } from '../support/processes.js';
import { startWorld, type World } from '../support/world.js';

/* What happened to an account, over HTTP and on the command line, against the simulator. */

let world: World;
let api: ApiWorld;
let id: string;
let email: string;

beforeAll(async () => {
  world = await startWorld({
    seed: 1_722,
    accounts: 1,
    messagesPerAccount: 12,
    calendarsPerAccount: 1,
    eventsPerCalendar: 3,
  });
  await world.catchUp();
  api = await startApi({ on: world, google: world.google });
  const [account] = await world.store.accounts.list();
  id = account!.id;
  email = account!.email;
});
afterAll(async () => {
  await api.close();
  await world.close();
});

interface Event {
  id: string;
  kind: string;
  actor: string | null;
  collection: { kind: string } | null;
  detail: object;
  text: string;
}
async function timeline(key: string, query = ''): Promise<{ data: Event[]; next: string | null }> {
  const { status, json } = await api.send('GET', `/v1/accounts/${id}/events${query}`, { key });
  expect(status).toBe(200);
  return json as { data: Event[]; next: string | null };
}

test('a timeline begins with the connection and the first full syncs, newest first', async () => {
  const { data } = await timeline(await api.key());
  expect(data.at(-1)).toMatchObject({ kind: 'account_connected', actor: null, collection: null });
  const ofMailbox = data.filter(({ collection }) => collection?.kind === 'gmail');
  expect(ofMailbox.map(({ kind }) => kind)).toEqual(['full_sync_finished', 'full_sync_started']);
  expect(ofMailbox[0]).toMatchObject({
    detail: { items: 12 },
    text: expect.stringMatching(/^mailbox: the full sync is complete: 12 items in /),
  });
});

test('an action names the key behind it, and pages join', async () => {
  const key = await api.key();
  for (const paused of [true, false])
    await api.send('PATCH', `/v1/accounts/${id}`, { key, body: { paused } });
  const { data: all } = await timeline(key, '?limit=500');
  const actors = all.filter(({ kind }) => kind === 'account_state_changed');
  expect(actors).toHaveLength(2);
  for (const { actor } of actors) expect(actor).toMatch(/^key \w+$/);
  const paged: Event[] = [];
  let query = '?limit=3';
  for (;;) {
    const { data, next } = await timeline(key, query);
    paged.push(...data);
    if (next === null) break;
    query = `?limit=3&cursor=${next}`;
  }
  expect(paged).toEqual(all);
});

test('a key of another tenant finds no timeline', async () => {
  const key = await api.key({ tenant: 'another' });
  expect((await api.send('GET', `/v1/accounts/${id}/events`, { key })).status).toBe(404);
});

test('the command line prints the same events, and names itself as the actor', async () => {
  const cli = (...args: string[]): ReturnType<typeof exited> =>
    exited(startProgram('cli', world.env, args));
  expect(await cli('accounts', 'pause', email)).toMatchObject({ code: 0 });
  const printed = await cli('timeline', email, '--json');
  const [paused] = JSON.parse(printed.stdout) as Event[];
  expect(paused).toMatchObject({ kind: 'account_state_changed', actor: 'command accounts pause' });
  expect((await cli('timeline', email)).stdout).toMatch(
    /^WHEN +TIME \(UTC\) +EVENT +BY\n.*active → paused: paused by the operator +command accounts pause\n/,
  );
});

test('why and timeline take the id of an account, of a collection and of an operation', async () => {
  const cli = (...args: string[]): ReturnType<typeof exited> =>
    exited(startProgram('cli', world.env, args));
  const [account] = await world.store.accounts.list();
  await world.store.operations.create({
    id: `op_${'1'.repeat(32)}`,
    kind: 'verification',
    tenant: 'default',
    subject: id,
    input: {},
  });
  for (const name of [id, account!.collections[0]!.id, `op_${'1'.repeat(32)}`]) {
    const { code, stdout } = await cli('why', name, '--json');
    expect([name, code, (JSON.parse(stdout) as { email: string }).email]).toEqual([name, 0, email]);
  }
  expect(await cli('timeline', id)).toMatchObject({ code: 0 });
  expect(await cli('timeline', id, '--tenant', 'default')).toMatchObject({ code: 0 });
  expect(await cli('timeline', id, '--tenant', 'another')).toMatchObject({ code: 1, stdout: '' });
  const unknown = await cli('why', 'op_none');
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('op_none is neither an address nor the id of an account');
});
