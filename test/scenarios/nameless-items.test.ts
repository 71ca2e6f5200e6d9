import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/* Items that Google gives without an id are counted and named, and the rest of their page is taken. */

let world: World;
let email: string;
afterEach(() => world.close());

async function begin(): Promise<void> {
  world = await startWorld({
    seed: 61,
    accounts: 1,
    messagesPerAccount: 12,
    calendarsPerAccount: 1,
    eventsPerCalendar: 8,
  });
  email = (await world.control.accounts())[0]!.email;
}

const alter = (method: string, patch: object): Promise<unknown> =>
  world.control.fault({ kind: 'altered-answer', method, patch });

async function counted(method: string): Promise<number> {
  const { values } = await world.rt.metrics.itemsWithoutId.get();
  return values
    .filter(({ labels }) => labels.method === method)
    .reduce((sum, { value }) => sum + value, 0);
}

test.each([
  ['a record without its own id', { id: null }],
  ['an added message without an id', { messagesAdded: { 0: { message: { id: null } } } }],
  ['an added message that is no object', { messagesAdded: { 0: { message: 'text' } } }],
  ['a change that is no object', { messagesAdded: { 0: 'text' } }],
])('applies everything that a page of history names beside %s', async (_, patch) => {
  await begin();
  await world.catchUp();
  await alter('history.list', { history: { 0: patch } });
  for (let mails = 0; mails < 3; mails++) await world.control.actAs(email, { action: 'deliver' });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await counted('gmail.users.history.list')).toBeGreaterThan(0);
});

test('applies the other records of a page of history when one is no object', async () => {
  await begin();
  await world.catchUp();
  await world.control.actAs(email, { action: 'touch' });
  await alter('history.list', { history: { 0: 'text' } });
  for (let mails = 0; mails < 3; mails++) await world.control.actAs(email, { action: 'deliver' });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await counted('gmail.users.history.list')).toBeGreaterThan(0);
});

test.each([
  ['labels.list', 'gmail.users.labels.list', 'labels', 'gmail_labels', 1],
  ['messages.list', 'gmail.users.messages.list', 'messages', 'gmail_messages', 1],
  ['events.list', 'calendar.events.list', 'items', 'calendar_events', 2],
  ['calendarList.list', 'calendar.calendarList.list', 'items', 'calendars', 1],
])(
  'counts an item of %s without an id, and stores the others',
  async (name, method, list, table, lost) => {
    await begin();
    await world.catchUp();
    const rows = async (): Promise<number> =>
      (await world.database.pool.query(`SELECT 1 FROM syncline.${table}`)).rowCount ?? 0;
    const complete = await rows();
    await world.close();
    await begin();
    await alter(name, { [list]: { 0: { id: null } } });
    await world.catchUp();
    expect(await counted(method)).toBeGreaterThan(0);
    expect(await rows()).toBeGreaterThanOrEqual(complete - lost);
  },
);

test('a collection whose only change has no id is caught up', async () => {
  await begin();
  await world.catchUp();
  await alter('events.list', { items: { 0: { id: null } } });
  await world.control.actAs(email, { action: 'event-create', calendarId: email });
  await world.catchUp();
  expect(await counted('calendar.events.list')).toBeGreaterThan(0);
});
