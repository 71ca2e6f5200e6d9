import { Client, tokenRequest } from '../test-support/client.js';
import { startSimulator, type Simulator } from './simulator.js';

let simulator: Simulator;
beforeEach(async () => { simulator = await startSimulator({ accounts: 1, messagesPerAccount: 5, nowMs: Date.UTC(2026, 5, 1) }); });
afterEach(() => simulator.close());

const account = (): { email: string; refreshToken: string } => simulator.accounts()[0]!;

test('refresh tokens are the same for a seed, access tokens live for 3,599 s', async () => {
  expect(account().refreshToken).toBe(`1//sim-${Buffer.from('1:user1@demo.example').toString('hex')}`);
  const answer = await tokenRequest(simulator.url, account().refreshToken);
  expect(answer.json).toMatchObject({ expires_in: 3599, token_type: 'Bearer' });
  const client = new Client(simulator.url, answer.json.access_token);
  expect((await client.get('/gmail/v1/users/me/profile')).status).toBe(200);
  simulator.clock.advance(3_599_000);
  expect((await client.get('/gmail/v1/users/me/profile')).status).toBe(401);
});

test('two refreshes at once are seen', async () => {
  await tokenRequest(simulator.url, account().refreshToken);
  await Promise.all([1, 2].map(() => tokenRequest(simulator.url, account().refreshToken)));
  expect(simulator.ledger.snapshot()).toMatchObject({ tokenRefreshes: 3, overlappingRefreshes: 1 });
});

test('a user who withdraws consent is told by invalid_grant; what is called after it is counted', async () => {
  const client = await Client.signIn(simulator.url, account().refreshToken);
  simulator.faults.add({ kind: 'revoke-grant', email: account().email });
  expect((await client.get('/gmail/v1/users/me/profile')).status).toBe(401);
  expect(simulator.ledger.snapshot().callsAfterInvalidGrant).toBe(0);
  const refused = await tokenRequest(simulator.url, account().refreshToken);
  expect([refused.status, refused.json]).toEqual([400, { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' }]);
  await tokenRequest(simulator.url, account().refreshToken);
  await client.get('/gmail/v1/users/me/profile');
  expect(simulator.ledger.snapshot().callsAfterInvalidGrant).toBe(2);
  const renewed = await Client.signIn(simulator.url, simulator.consent(account().email));
  expect((await renewed.get('/gmail/v1/users/me/profile')).status).toBe(200);
  expect(simulator.ledger.snapshot().callsAfterInvalidGrant).toBe(2);
});

test.each(['refresh', 'access'])('a client that revokes by its %s token ends the grant; what is called after it is counted', async (kind) => {
  const client = await Client.signIn(simulator.url, account().refreshToken);
  const token = kind === 'refresh' ? account().refreshToken : client.accessToken;
  const revoke = (): Promise<Response> => fetch(`${simulator.url}/revoke?token=${encodeURIComponent(token)}`, { method: 'POST' });
  expect((await revoke()).status).toBe(200);
  expect((await revoke()).status).toBe(400);
  expect(simulator.ledger.snapshot().callsAfterRevoke).toBe(0);
  expect((await client.get('/calendar/v3/users/me/calendarList')).status).toBe(401);
  expect(simulator.ledger.snapshot().callsAfterRevoke).toBe(1);
});
