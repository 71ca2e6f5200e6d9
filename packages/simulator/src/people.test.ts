import { Client, tokenRequest, type Json } from '../test-support/client.js';
import { startSimulator, type Simulator } from './simulator.js';

/*
 * Google's account ids, addresses that move to another account, and what a grant reveals of its
 * owner.
 */

let simulator: Simulator;
beforeEach(async () => {
  simulator = await startSimulator({ accounts: 2, messagesPerAccount: 5, calendarsPerAccount: 1 });
});
afterEach(() => simulator.close());

async function control(method: string, path: string, body?: object): Promise<Json> {
  const answer = await fetch(`${simulator.url}/sim/${path}`, {
    method,
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return answer.json();
}

async function signIn(email: string): Promise<Client> {
  return Client.signIn(simulator.url, simulator.consent(email));
}

const people = (): Promise<{ email: string; sub: string; aliases: string[] }[]> =>
  control('GET', 'people');

async function primaryOf(client: Client): Promise<Json> {
  return (await client.get('/calendar/v3/users/me/calendarList/primary')).json;
}

test('a refresh returns an identity token that the certificates verify, when the grant covers openid', async () => {
  const [ann] = await people();
  const { json } = await tokenRequest(simulator.url, simulator.consent(ann!.email));
  const [head, body] = (json.id_token as string)
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json);
  const keys = (await (await fetch(`${simulator.url}/oauth2/v3/certs`)).json()) as Json;
  expect(head).toMatchObject({ alg: 'RS256', kid: keys.keys[0].kid });
  expect(body).toMatchObject({
    iss: 'https://accounts.google.com',
    aud: expect.any(String),
    azp: body.aud,
    sub: ann!.sub,
    email: ann!.email,
    email_verified: true,
    exp: body.iat + 3_600,
  });
  expect(ann!.sub).toMatch(/^\d{21}$/);
});

test.each<[string[], object]>([
  [['openid', 'gmail.readonly'], { sub: expect.any(String) }],
  [['userinfo.email', 'gmail.readonly'], { sub: expect.any(String), email: expect.any(String) }],
  [['gmail.readonly'], {}],
])('token info of a grant of %j returns what its scopes allow', async (scopes, given) => {
  const [ann] = await people();
  const { json } = await tokenRequest(simulator.url, simulator.consent(ann!.email, scopes));
  expect('id_token' in json).toBe(scopes.includes('openid'));
  const info = (await (
    await fetch(`${simulator.url}/tokeninfo?access_token=${json.access_token}`)
  ).json()) as Json;
  const { sub, email } = info;
  expect({ ...(sub && { sub }), ...(email && { email }) }).toEqual(given);
});

test('a renamed person keeps mail, grants and watches; profile, calendars and pushes have the new address', async () => {
  const client = await signIn('user1@demo.example');
  const listed = (await client.get('/calendar/v3/users/me/calendarList')).json;
  simulator.pubsub.addTopic('projects/p/topics/t');
  await client.post('/gmail/v1/users/me/watch', { topicName: 'projects/p/topics/t' });
  const renamed = await control('POST', 'accounts/user1@demo.example/rename', {
    email: 'New.Name@demo.example',
  });
  expect(renamed).toMatchObject({
    email: 'new.name@demo.example',
    aliases: ['user1@demo.example'],
  });
  expect((await client.get('/gmail/v1/users/me/profile')).json).toMatchObject({
    emailAddress: 'new.name@demo.example',
    messagesTotal: 5,
  });
  expect((await primaryOf(client)).id).toBe('new.name@demo.example');
  const delta = await client.get(
    `/calendar/v3/users/me/calendarList?syncToken=${encodeURIComponent(listed.nextSyncToken)}`,
  );
  expect(delta.json.items.map(({ id, deleted }: Json) => [id, deleted === true])).toEqual([
    ['new.name@demo.example', false],
    ['user1@demo.example', true],
  ]);
  expect((await control('GET', 'watches')).gmail).toMatchObject([
    { email: 'new.name@demo.example' },
  ]);
  expect((await people()).find(({ email }) => email === 'new.name@demo.example')).toBeDefined();
  // Mail to the old address is still delivered.
  await control('POST', 'accounts/user1@demo.example/act', { action: 'deliver' });
  expect((await client.get('/gmail/v1/users/me/profile')).json.messagesTotal).toBe(6);
});

test('a released address can be given to another person, with other mail and another id', async () => {
  const before = await signIn('user1@demo.example');
  const [ann] = await people();
  const ids = (await before.get('/gmail/v1/users/me/messages')).json.messages.map(
    ({ id }: Json) => id,
  );
  await control('POST', 'accounts/user1@demo.example/delete');
  expect((await before.get('/gmail/v1/users/me/profile')).status).toBe(401);
  const { refreshToken } = await control('POST', 'accounts', { email: 'user1@demo.example' });
  const after = await Client.signIn(simulator.url, refreshToken);
  expect((await after.get('/gmail/v1/users/me/profile')).json.emailAddress).toBe(
    'user1@demo.example',
  );
  expect((await after.get(`/gmail/v1/users/me/messages/${ids[0]}`)).status).toBe(404);
  expect((await people()).find(({ email }) => email === ann!.email)?.sub).not.toBe(ann!.sub);
});

test('an alias becomes another person’s address, and a primary address does not', async () => {
  await control('POST', 'accounts/user1@demo.example/rename', { email: 'new@demo.example' });
  expect(await control('POST', 'accounts', { email: 'user1@demo.example' })).toMatchObject({
    email: 'user1@demo.example',
  });
  expect((await people()).find(({ email }) => email === 'new@demo.example')).toMatchObject({
    aliases: [],
  });
  expect(await control('POST', 'accounts', { email: 'new@demo.example' })).toMatchObject({
    error: expect.stringContaining('exists'),
  });
});
