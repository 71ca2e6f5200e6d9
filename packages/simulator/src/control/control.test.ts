import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type Json } from '../../test-support/client.js';
import { HELP } from '../cli-options.js';
import { startSimulator, type Simulator } from '../simulator.js';
import { ACTIONS, type ActionName } from './act.js';
import { CONTACT_ACTIONS } from './act-contacts.js';

let simulator: Simulator;
beforeEach(async () => {
  simulator = await startSimulator({
    accounts: 2,
    messagesPerAccount: 40,
    eventsPerCalendar: 20,
    seed: 5,
    nowMs: Date.UTC(2026, 5, 1),
  });
});
afterEach(() => simulator.close());

async function call(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string; json: Json }> {
  const response = await fetch(simulator.url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    text,
    json: response.headers.get('content-type')?.startsWith('application/json')
      ? JSON.parse(text)
      : null,
  };
}

const lines = (text: string): Json[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

test('accounts are listed in the format of an import', async () => {
  expect(lines((await call('GET', '/sim/accounts')).text)).toEqual(simulator.accounts());
});

test('an account can be added, changed by actions and read', async () => {
  const { json } = await call('POST', '/sim/accounts', {
    email: 'New@demo.example',
    messages: 3,
    calendars: 1,
    eventsPerCalendar: 2,
  });
  expect(json).toEqual({
    email: 'new@demo.example',
    refreshToken: expect.stringMatching(/^1\/\/sim-/),
  });
  const acted = await call('POST', '/sim/accounts/new@demo.example/act', {
    action: 'deliver',
    subject: 'héllo',
    text: 'wörld',
    from: 'Zoë <z@x.example>',
  });
  expect(acted.json).toMatchObject({
    action: 'deliver',
    done: true,
    messageId: expect.any(String),
  });
  const truth = lines((await call('GET', '/sim/truth/new@demo.example?resource=gmail')).text);
  expect(truth.map((message) => message.id)).toEqual(
    truth.map((message) => String(message.id)).sort((a, b) => (a < b ? -1 : 1)),
  );
  expect(truth.find((message) => message.id === acted.json.messageId)).toMatchObject({
    subject: 'héllo',
    text: 'wörld',
    from: 'Zoë <z@x.example>',
    html: null,
    attachments: [],
  });
  expect(Object.keys(truth[0])).toEqual([
    'id',
    'threadId',
    'labelIds',
    'internalDate',
    'sizeEstimate',
    'snippet',
    'subject',
    'from',
    'to',
    'cc',
    'date',
    'messageId',
    'text',
    'html',
    'attachments',
  ]);
  const calendar = lines((await call('GET', '/sim/truth/new@demo.example?resource=calendar')).text);
  expect(calendar.map((one) => one.calendarId)).toContain(
    'en.usa#holiday@group.v.calendar.google.com',
  );
});

test('every action can be requested by name, and returns what it changed', async () => {
  const names = [
    'deliver',
    'label',
    'unlabel',
    'trash',
    'delete',
    'draft-save',
    'draft-send',
    'label-create',
    'label-rename',
    'label-delete',
    'label-create',
    'label-unlist',
    'touch',
    'event-create',
    'event-update',
    'event-delete',
    'event-cancel-instance',
    'event-move-instance',
    'event-leave-series',
    'event-cancel-orphan',
    'calendar-create',
    'calendar-rename',
    'calendar-delete',
  ];
  for (const action of names) {
    const { status, json } = await call('POST', '/sim/accounts/user1@demo.example/act', { action });
    expect([action, status, json.action, json.done]).toEqual([action, 200, action, true]);
  }
  const { calendarId } = (
    await call('POST', '/sim/accounts/user1@demo.example/act', { action: 'calendar-create' })
  ).json;
  const sharing = [
    'calendar-hide',
    'calendar-show',
    'calendar-acl-loss',
    'calendar-acl-return',
    'calendar-role',
  ];
  for (const action of sharing)
    expect(
      (await call('POST', '/sim/accounts/user1@demo.example/act', { action, calendarId })).json,
    ).toMatchObject({ action, done: true, calendarId });
  expect(
    (
      await call('POST', '/sim/accounts/user1@demo.example/act', {
        action: 'event-move-organizer',
        calendarId: 'user1@demo.example',
      })
    ).json,
  ).toMatchObject({ done: true, eventId: expect.any(String) });
  const unknown = await call('POST', '/sim/accounts/user1@demo.example/act', { action: 'sleep' });
  expect([unknown.status, unknown.json.error]).toEqual([
    400,
    `unknown action; the actions are ${ACTIONS.join(', ')}`,
  ]);
  const named = [...names, ...sharing, 'event-move-organizer', ...CONTACT_ACTIONS];
  expect([...new Set(named)].sort()).toEqual([...ACTIONS].sort());
});

test('every action on contacts can be named, and says what it touched', async () => {
  await call('POST', '/sim/accounts', { email: 'ada@demo.example', messages: 0, contacts: 6 });
  const act = async (action: ActionName, order: object = {}): Promise<Json> => {
    const answer = await call('POST', '/sim/accounts/ada@demo.example/act', { action, ...order });
    expect([action, answer.status, answer.json.done]).toEqual([action, 200, true]);
    return answer.json;
  };
  const person = { names: [{ givenName: 'Zoë' }] };
  const { resourceName } = await act('contact-create', { person });
  const { resourceName: group } = await act('group-create', { name: 'Choir' });
  expect(await act('group-add', { resourceName, groupName: group })).toMatchObject({
    resourceName,
    groupName: group,
  });
  const merged = await act('contact-merge', { resourceName });
  expect([merged.resourceName, merged.formerName]).toEqual([
    resourceName,
    expect.stringMatching(/^people\/c\d+$/),
  ]);
  const linked = await act('contact-link', { resourceName });
  expect(linked.formerName).toBe(resourceName);
  const { resourceName: deleted } = await act('contact-delete', {
    resourceName: linked.resourceName,
  });
  await act('contact-restore', { resourceName: deleted });
  const promoted = await act('other-promote');
  expect(promoted.formerName).toMatch(/^otherContacts\/c\d+$/);
  const others = ['contact-update', 'other-create', 'other-update', 'other-delete'] as const;
  for (const action of others) await act(action);
  for (const action of ['group-remove', 'group-rename', 'group-delete'] as const) await act(action);
  const truth = lines((await call('GET', '/sim/truth/ada@demo.example?resource=contacts')).text);
  expect(new Set(truth.map((one) => one.kind))).toEqual(new Set(['person', 'other', 'group']));
  const masked = '?resource=contacts&personFields=names&readMask=names&groupFields=name';
  const masks = lines((await call('GET', `/sim/truth/ada@demo.example${masked}`)).text);
  const some = masks.find((one) => one.kind === 'person');
  expect(Object.keys(some.resource).every((key) => /^(resourceName|etag|names)$/.test(key))).toBe(
    true,
  );
});

test('a sent draft is deleted, and its content has a new message id', async () => {
  const { draftId, messageId } = simulator.act('user1@demo.example', {
    action: 'draft-save',
    subject: 'ready',
  });
  const sent = simulator.act('user1@demo.example', { action: 'draft-send', draftId: draftId! });
  const truth = simulator.gmailTruth('user1@demo.example');
  expect([
    truth.some(({ id }) => id === messageId),
    truth.find(({ id }) => id === sent.messageId),
  ]).toEqual([false, expect.objectContaining({ subject: 'ready', labelIds: ['SENT'] })]);
  expect(() =>
    simulator.act('user1@demo.example', { action: 'draft-send', draftId: draftId! }),
  ).toThrow('no such draft');
});

test('random actions are equal for equal seeds', async () => {
  await call('POST', '/sim/act', { count: 200 });
  const twin = await startSimulator({
    accounts: 2,
    messagesPerAccount: 40,
    eventsPerCalendar: 20,
    seed: 5,
    nowMs: Date.UTC(2026, 5, 1),
  });
  twin.actAtRandom(200);
  expect(twin.gmailTruth('user2@demo.example')).toEqual(simulator.gmailTruth('user2@demo.example'));
  expect(twin.calendarTruth('user2@demo.example')).toEqual(
    simulator.calendarTruth('user2@demo.example'),
  );
  await twin.close();
});

test('rate, clock, faults and ledger can be controlled', async () => {
  expect((await call('POST', '/sim/rate', { perSecond: 3 })).json).toEqual({ perSecond: 3 });
  expect((await call('GET', '/sim')).json).toMatchObject({ accounts: 2, actionsPerSecond: 3 });
  expect((await call('POST', '/sim/clock', { advanceMs: 60_000 })).json).toEqual({
    nowMs: Date.UTC(2026, 5, 1, 0, 1),
  });
  expect((await call('POST', '/sim/faults', { kind: '500', count: 2 })).json).toEqual({ id: 1 });
  expect((await call('GET', '/sim/faults')).json.faults).toHaveLength(1);
  await call('DELETE', '/sim/faults');
  expect((await call('GET', '/sim/faults')).json.faults).toEqual([]);
  expect((await call('GET', '/sim/ledger')).json).toMatchObject({
    violations: { total: 0, recent: [] },
    batches: 0,
  });
  expect(
    (await call('POST', '/sim/accounts/user1@demo.example/consent')).json.refreshToken,
  ).toMatch(/-2$/);
});

test('notifications are set up and inspected', async () => {
  const subscription = {
    name: 'projects/p/subscriptions/s',
    topic: 'projects/p/topics/t',
    pushEndpoint: 'http://127.0.0.1:9/',
  };
  const described = {
    topics: ['projects/p/topics/u', 'projects/p/topics/v', 'projects/p/topics/t'],
    subscriptions: [{ ...subscription, waiting: 0 }],
  };
  expect(
    (
      await call('POST', '/sim/pubsub', {
        topics: ['projects/p/topics/u', { name: 'projects/p/topics/v', granted: false }],
        subscriptions: [subscription],
      })
    ).json,
  ).toEqual(described);
  expect((await call('GET', '/sim/pubsub')).json).toEqual(described);
  expect((await call('POST', '/sim/delivery', { dropPercent: 5, delayMs: [1, 2] })).json).toEqual({
    dropPercent: 5,
    duplicatePercent: 0,
    reorderPercent: 0,
    delayMs: [1, 2],
    minGapMs: 1_000,
  });
  expect((await call('GET', '/sim/delivery')).json.dropPercent).toBe(5);
  expect((await call('GET', '/sim/watches')).json).toEqual({ gmail: [], channels: [] });
  expect((await call('GET', '/sim/service-account')).json).toMatchObject({
    type: 'service_account',
    private_key: expect.stringContaining('PRIVATE KEY'),
  });
  expect((await call('GET', '/sim/ledger')).json.notifications.pubsub).toMatchObject({
    published: 0,
    dropped: 0,
    duplicated: 0,
    delivered: 0,
  });
});

test('the help lists every control, and the command line prints it', async () => {
  const { json } = await call('GET', '/sim');
  expect(json).toMatchObject({
    faults: expect.arrayContaining(['gzip-cut', 'token-503']),
    worldFaults: ['expire-history', 'invalid-sync-token', 'revoke-grant'],
    options: { messagesPerAccount: 40 },
  });
  const source = readFileSync(join(__dirname, 'control.ts'), 'utf8');
  const implemented = [...source.matchAll(/case '(?:GET|POST|DELETE) ([\w-]+)'/g)].map(
    (match) => match[1]!,
  );
  const named = Object.keys(json.controls).join('\n');
  expect(implemented.filter((control) => !named.includes(`/sim/${control}`))).toEqual([]);
  expect(Object.keys(json.controls).filter((control) => !HELP.includes(control))).toEqual([]);
});

test('an account may be added with its own scopes', async () => {
  const { json } = await call('POST', '/sim/accounts', {
    email: 'scoped@demo.example',
    messages: 0,
    scopes: ['gmail.metadata'],
  });
  const client = await Client.signIn(simulator.url, json.refreshToken);
  expect([
    (await client.get('/gmail/v1/users/me/profile')).status,
    (await client.get('/calendar/v3/users/me/calendarList')).status,
  ]).toEqual([200, 403]);
});

test.each([
  ['POST', '/sim/pubsub', { topics: ['t'] }],
  ['POST', '/sim/pubsub', { subscriptions: 5 }],
  ['POST', '/sim/delivery', { dropPercent: 200 }],
  ['POST', '/sim/accounts/user1@demo.example/scopes', {}],
  ['POST', '/sim/rate', { perSecond: -1 }],
  ['POST', '/sim/act', { count: 1.5 }],
  ['POST', '/sim/clock', { advanceMs: -1 }],
  ['POST', '/sim/accounts', { email: 'nobody' }],
  ['POST', '/sim/accounts', { email: 'user1@demo.example' }],
  ['GET', '/sim/truth/nobody@demo.example', undefined],
  ['GET', '/sim/truth/user1@demo.example?resource=drive', undefined],
])('%s %s with %j gives 400 with the reason', async (method, path, body) => {
  const { status, json } = await call(method, path, body);
  expect([status, typeof json.error]).toEqual([400, 'string']);
});

test('an unknown control gives 404', async () => {
  expect((await call('GET', '/sim/nothing')).status).toBe(404);
});

test('users with contacts change them at random, users without have none', async () => {
  await call('POST', '/sim/accounts', { email: 'ada@demo.example', messages: 0, contacts: 6 });
  const before = JSON.stringify(simulator.contactsTruth('ada@demo.example'));
  const none = JSON.stringify(simulator.contactsTruth('user1@demo.example'));
  simulator.actAtRandom(200);
  expect(JSON.stringify(simulator.contactsTruth('ada@demo.example'))).not.toBe(before);
  expect(JSON.stringify(simulator.contactsTruth('user1@demo.example'))).toBe(none);
});

test('users act at the configured rate', async () => {
  const before = simulator.world.all().map((account) => account.mailbox.history.current);
  simulator.setRate(2_000);
  const moved = (): boolean =>
    simulator.world
      .all()
      .every((account, index) => account.mailbox.history.current > (before[index] as bigint));
  while (!moved())
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  simulator.setRate(0);
  expect(moved()).toBe(true);
});
