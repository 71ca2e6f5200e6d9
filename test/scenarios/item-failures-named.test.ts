import { syncCollection, verifyAccount } from '@syncline/sync';
import { startWorld, type World } from '../support/world.js';

/*
 * What could not be read is named: by verify, which finishes all the same, and by the accounts'
 * view that `accounts list` and `why` print.
 */

let world: World;
let email: string;
let accountId: string;

beforeEach(async () => {
  world = await startWorld({
    seed: 92,
    threadLength: 4,
    accounts: 1,
    messagesPerAccount: 40,
    calendarsPerAccount: 2,
    eventsPerCalendar: 6,
  });
  email = (await world.control.accounts())[0]!.email;
  accountId = (await world.store.accounts.list())[0]!.id;
});
afterEach(() => world.close());

const ids = async (): Promise<string[]> =>
  (await world.control.truth(email, 'gmail')).map((message) => String(message['id']));

const verify = (resource: 'gmail' | 'calendar', options: { catchUpMs?: number } = {}) =>
  verifyAccount(world.rt, world, accountId, resource, options);
/** No fleet is at work. */
const ALONE = { catchUpMs: 0 };

/** With a fleet at work, which catches up before the second sync. */
async function besideFleet<T>(work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const done = work.finally(() => over.abort());
  while (!over.signal.aborted) await world.catchUp();
  return done;
}

async function runMailbox(): Promise<string> {
  await world.database.pool.query(
    "UPDATE syncline.failing_items SET retry_at = now() - interval '1 ms'",
  );
  const { rows } = await world.database.pool.query<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE kind = 'gmail'",
  );
  const outcome = await syncCollection(
    world.rt,
    { ...world, policy: { activeMs: 600_000, idleMs: 900_000 } },
    rows[0]!.id,
    { sliceMs: 60_000, signal: new AbortController().signal },
  );
  return outcome.kind;
}

test.each(['403-permission', '500', 'malformed-json'])(
  'verify reports a message that always gives %s as unread, and finishes',
  async (kind) => {
    await world.catchUp();
    const [bad = ''] = (await ids()).slice(7);
    await world.control.spoil(bad, kind);
    expect(await besideFleet(verify('gmail'))).toEqual({
      resource: 'gmail',
      checked: 40,
      missing: [],
      extra: [],
      stale: [],
      unread: [bad],
    });
  },
);

test('verify fails while no message can be read', async () => {
  await world.catchUp();
  await world.control.fault({ kind: '403-permission', method: 'messages.get' });
  await world.control.fault({ kind: '403-permission', method: 'threads.get' });
  await expect(verify('gmail')).rejects.toMatchObject({ detail: { kind: 'forbidden' } });
});

test('verify compares the other calendars when the events of one cannot be read', async () => {
  await world.catchUp();
  const [calendar] = (
    await world.database.pool.query<{ id: string }>('SELECT id FROM syncline.calendars ORDER BY id')
  ).rows;
  await world.control.fault({ kind: '500', method: 'events.list', id: calendar!.id });
  const report = await verify('calendar', ALONE);
  expect(report).toMatchObject({ missing: [], extra: [], stale: [], unread: [calendar!.id] });
  expect(report.checked).toBeGreaterThan(0);
}, 60_000);

test('a quarantined message is named with its reason, its date and its next try', async () => {
  const [bad = ''] = (await ids()).slice(7);
  await world.control.spoil(bad, '403-permission');
  for (let n = 0; n < 20 && (await runMailbox()) !== 'caught-up'; n++);
  const entry = {
    id: bad,
    reason: expect.stringContaining('Google does not allow this'),
    since: expect.any(Date),
    nextTryAt: expect.any(Date),
  };
  const [account] = await world.store.accounts.list();
  expect(account!.collections.find(({ kind }) => kind === 'gmail')).toMatchObject({
    quarantined: 1,
    unreadable: [{ ...entry, state: 'quarantined' }],
  });
  const report = await verify('gmail', ALONE);
  expect(report).toMatchObject({ unread: [bad], quarantined: [entry] });
  const { since, nextTryAt } = report.quarantined![0]!;
  expect(nextTryAt!.getTime() - since.getTime()).toBe(3_600_000);
}, 60_000);

test('a message leaves the quarantine when it can be read again, and when it is deleted', async () => {
  const [back = '', gone = ''] = (await ids()).slice(7);
  const faults = [
    await world.control.spoil(back, '403-permission'),
    await world.control.spoil(gone, '403-permission'),
  ];
  for (let n = 0; n < 20 && (await runMailbox()) !== 'caught-up'; n++);
  expect(await world.store.quarantine.list([accountId])).toHaveLength(2);
  for (const fault of faults) await world.control.endFault(fault);
  await world.control.actAs(email, { action: 'delete', messageId: gone });
  await world.catchUp();
  expect((await world.store.quarantine.list([accountId])).map(({ itemId }) => itemId)).toEqual([
    back,
  ]);
  await world.database.pool.query(
    "UPDATE syncline.quarantined_items SET retry_at = now() - interval '1 ms'",
  );
  await world.catchUp();
  expect(await world.store.quarantine.list([accountId])).toEqual([]);
  expect(await world.drift()).toMatchObject({ missing: [], extra: [], stale: [] });
}, 60_000);
