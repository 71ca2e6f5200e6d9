import { Client } from '../test-support/client.js';
import { startSimulator, type Simulator } from './simulator.js';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: 1,
    messagesPerAccount: 5,
    nowMs: Date.UTC(2026, 5, 1),
  });
});
afterAll(() => simulator.close());

const MAIL = '/gmail/v1/users/me';

async function clientWith(...scopes: string[]): Promise<Client> {
  return Client.signIn(simulator.url, simulator.consent('user1@demo.example', scopes));
}

async function error(
  client: Client,
  path: string,
): Promise<{ code: number; message: string; reason: string; detail: string | undefined }> {
  const { json } = await client.get(path);
  return {
    code: json.error?.code ?? 200,
    message: json.error?.message ?? '',
    reason: json.error?.errors[0].reason ?? '',
    detail: json.error?.details?.[0].reason,
  };
}

test.each(['gmail.metadata', 'gmail.metadata,gmail.readonly'])(
  'a token with %s gives access to headers and labels only',
  async (scopes) => {
    const client = await clientWith(...scopes.split(','));
    const [{ id, threadId }] = (await client.get(`${MAIL}/messages`)).json.messages;
    for (const path of [
      'profile',
      `messages/${id}?format=metadata`,
      `messages/${id}?format=minimal`,
      'labels',
      `threads/${threadId}?format=metadata`,
    ])
      expect([path, (await client.get(`${MAIL}/${path}`)).status]).toEqual([path, 200]);
    expect(await error(client, `${MAIL}/messages?q=in:inbox`)).toMatchObject({
      code: 403,
      message: "Metadata scope does not support 'q' parameter",
    });
    expect(await error(client, `${MAIL}/messages/${id}`)).toMatchObject({
      code: 403,
      message: "Metadata scope doesn't allow format FULL",
    });
    expect(await error(client, `${MAIL}/messages/${id}?format=raw`)).toMatchObject({
      code: 403,
      message: "Metadata scope doesn't allow format RAW",
    });
    expect(await error(client, `${MAIL}/drafts`)).toMatchObject({
      code: 403,
      detail: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
    });
  },
);

test('a missing scope removes access to one API only', async () => {
  const mailOnly = await clientWith('gmail.readonly');
  expect(await error(mailOnly, '/calendar/v3/users/me/calendarList')).toEqual({
    code: 403,
    message: 'Request had insufficient authentication scopes.',
    reason: 'insufficientPermissions',
    detail: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
  });
  expect((await mailOnly.get(`${MAIL}/profile`)).status).toBe(200);
  const listOnly = await clientWith('calendar.calendarlist.readonly');
  expect([
    (await listOnly.get('/calendar/v3/users/me/calendarList')).status,
    (await listOnly.get('/calendar/v3/calendars/primary/events')).status,
    (await listOnly.get(`${MAIL}/profile`)).status,
  ]).toEqual([200, 403, 403]);
});

test('scopes changed by a control apply at once', async () => {
  const client = await clientWith('gmail.readonly', 'calendar.readonly');
  const control = (body: unknown): Promise<Response> =>
    fetch(`${simulator.url}/sim/accounts/user1@demo.example/scopes`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
  expect((await control({ scopes: ['calendar.readonly'] })).status).toBe(200);
  expect([
    (await client.get(`${MAIL}/profile`)).status,
    (await client.get('/calendar/v3/users/me/calendarList')).status,
  ]).toEqual([403, 200]);
  expect((await control({ scopes: 'mail' })).status).toBe(400);
});
