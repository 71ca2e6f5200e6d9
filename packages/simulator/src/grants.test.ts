import { Client, tokenRequest } from '../test-support/client.js';
import { startSimulator, type Simulator } from './simulator.js';

let simulator: Simulator;
beforeEach(async () => {
  simulator = await startSimulator({
    accounts: 1,
    messagesPerAccount: 5,
    nowMs: Date.UTC(2026, 5, 1),
  });
});
afterEach(() => simulator.close());

const account = (): { email: string; refreshToken: string } => simulator.accounts()[0]!;

test('refresh tokens are equal for a seed; access tokens are valid for 3,599 s', async () => {
  expect(account().refreshToken).toBe(
    `1//sim-${Buffer.from('1:user1@demo.example').toString('hex')}`,
  );
  const answer = await tokenRequest(simulator.url, account().refreshToken);
  expect(answer.json).toMatchObject({ expires_in: 3599, token_type: 'Bearer' });
  const client = new Client(simulator.url, answer.json.access_token);
  expect((await client.get('/gmail/v1/users/me/profile')).status).toBe(200);
  simulator.clock.advance(3_599_000);
  expect((await client.get('/gmail/v1/users/me/profile')).status).toBe(401);
});

test('tokens begin with `tokenStart`', async () => {
  const other = await startSimulator({ tokenStart: 'opaque/' });
  const { refreshToken } = other.accounts()[0]!;
  const { json } = await tokenRequest(other.url, refreshToken);
  expect([refreshToken, json.access_token]).toEqual(
    Array(2).fill(expect.stringMatching(/^opaque\/sim-/)),
  );
  const client = new Client(other.url, json.access_token);
  expect((await client.get('/gmail/v1/users/me/profile')).status).toBe(200);
  await other.close();
});

test('concurrent refreshes are counted', async () => {
  await tokenRequest(simulator.url, account().refreshToken);
  await Promise.all([1, 2].map(() => tokenRequest(simulator.url, account().refreshToken)));
  expect(simulator.ledger.snapshot()).toMatchObject({ tokenRefreshes: 3, overlappingRefreshes: 1 });
});

test('a withdrawn consent gives invalid_grant; later calls are counted', async () => {
  const client = await Client.signIn(simulator.url, account().refreshToken);
  simulator.faults.add({ kind: 'revoke-grant', email: account().email });
  expect((await client.get('/gmail/v1/users/me/profile')).status).toBe(401);
  expect(simulator.ledger.snapshot().callsAfterInvalidGrant).toBe(0);
  const refused = await tokenRequest(simulator.url, account().refreshToken);
  expect([refused.status, refused.json]).toEqual([
    400,
    { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' },
  ]);
  await tokenRequest(simulator.url, account().refreshToken);
  await client.get('/gmail/v1/users/me/profile');
  expect(simulator.ledger.snapshot().callsAfterInvalidGrant).toBe(2);
  const renewed = await Client.signIn(simulator.url, simulator.consent(account().email));
  expect((await renewed.get('/gmail/v1/users/me/profile')).status).toBe(200);
  expect(simulator.ledger.snapshot().callsAfterInvalidGrant).toBe(2);
});

test('a refusal whose response was damaged does not count as known to the client', async () => {
  simulator.faults.add({ kind: 'revoke-grant', email: account().email });
  simulator.faults.add({ kind: 'empty-200', method: 'token', count: 1 });
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'a',
    client_secret: 'b',
    refresh_token: account().refreshToken,
  });
  expect(await (await fetch(`${simulator.url}/token`, { method: 'POST', body })).text()).toBe('');
  expect((await tokenRequest(simulator.url, account().refreshToken)).status).toBe(400);
  expect(simulator.ledger.snapshot().callsAfterInvalidGrant).toBe(0);
  await tokenRequest(simulator.url, account().refreshToken);
  expect(simulator.ledger.snapshot().callsAfterInvalidGrant).toBe(1);
});

test('a refresh whose response is lost after a refusal is not counted; its repetition is', async () => {
  simulator.faults.add({ kind: 'revoke-grant', email: account().email });
  expect((await tokenRequest(simulator.url, account().refreshToken)).status).toBe(400);
  simulator.faults.add({ kind: 'reset', method: 'token', count: 1 });
  await expect(tokenRequest(simulator.url, account().refreshToken)).rejects.toThrow();
  expect(simulator.ledger.snapshot().callsAfterInvalidGrant).toBe(0);
  await tokenRequest(simulator.url, account().refreshToken);
  expect(simulator.ledger.snapshot().callsAfterInvalidGrant).toBe(1);
});

test.each(['refresh', 'access'])(
  'a client that revokes by its %s token ends the grant; later calls are counted',
  async (kind) => {
    const client = await Client.signIn(simulator.url, account().refreshToken);
    const token = kind === 'refresh' ? account().refreshToken : client.accessToken;
    const revoke = (): Promise<Response> =>
      fetch(`${simulator.url}/revoke?token=${encodeURIComponent(token)}`, { method: 'POST' });
    expect((await revoke()).status).toBe(200);
    expect((await revoke()).status).toBe(400);
    expect(simulator.ledger.snapshot().callsAfterRevoke).toBe(0);
    expect((await client.get('/calendar/v3/users/me/calendarList')).status).toBe(401);
    expect(simulator.ledger.snapshot().callsAfterRevoke).toBe(1);
  },
);

test.each([
  [
    'expired-or-revoked',
    { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' },
  ],
  ['bad-request', { error: 'invalid_grant', error_description: 'Bad Request' }],
  ['account-deleted', { error: 'invalid_grant', error_description: 'Account has been deleted' }],
  [
    'invalid-rapt',
    {
      error: 'invalid_grant',
      error_subtype: 'invalid_rapt',
      error_description: expect.any(String),
      error_uri: expect.any(String),
    },
  ],
] as const)('invalid_grant comes as %s, and remains', async (variant, body) => {
  simulator.faults.add({ kind: 'revoke-grant', variant });
  for (let n = 0; n < 2; n++) {
    const refused = await tokenRequest(simulator.url, account().refreshToken);
    expect([refused.status, refused.json]).toEqual([400, body]);
  }
});

test('the 101st refresh token of an account invalidates the oldest', async () => {
  const oldest = account().refreshToken;
  for (let n = 0; n < 99; n++) simulator.consent(account().email);
  expect((await tokenRequest(simulator.url, oldest)).status).toBe(200);
  const newest = simulator.consent(account().email);
  expect([
    (await tokenRequest(simulator.url, oldest)).json.error,
    (await tokenRequest(simulator.url, newest)).status,
  ]).toEqual(['invalid_grant', 200]);
});

test('refresh tokens of an app in testing have a lifetime and expire', async () => {
  const testing = await startSimulator({
    messagesPerAccount: 1,
    refreshTokenTtlMs: 604_800_000,
    nowMs: Date.UTC(2026, 5, 1),
  });
  const { refreshToken } = testing.accounts()[0]!;
  testing.clock.advance(86_400_000);
  expect((await tokenRequest(testing.url, refreshToken)).json.refresh_token_expires_in).toBe(
    518_400,
  );
  testing.clock.advance(6 * 86_400_000);
  expect((await tokenRequest(testing.url, refreshToken)).json.error).toBe('invalid_grant');
  await testing.close();
});

test('tokeninfo accepts valid tokens only', async () => {
  const client = await Client.signIn(simulator.url, account().refreshToken);
  const info = (token: string) => client.get(`/tokeninfo?access_token=${token}`);
  expect((await info(client.accessToken)).json).toMatchObject({
    email: account().email,
    expires_in: '3599',
    scope: expect.stringContaining('auth/gmail.readonly'),
  });
  simulator.clock.advance(3_599_000);
  expect([(await info(client.accessToken)).json.error, (await info('unknown')).status]).toEqual([
    'invalid_token',
    400,
  ]);
});

describe('assertions of the service account', () => {
  const SECONDS = 1_780_000_000;
  const ask = async (claims: Record<string, unknown>) => {
    const { key, email } = simulator.serviceAccount;
    const assertion = key.jwt({
      iss: email,
      aud: 'https://oauth2.googleapis.com/token',
      iat: SECONDS,
      exp: SECONDS + 3_600,
      ...claims,
    });
    return tokenRequest(simulator.url, '', {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion,
    });
  };
  const MAIL = 'https://www.googleapis.com/auth/gmail.readonly';

  test('give access to a mailbox by delegation', async () => {
    const answer = await ask({ sub: account().email, scope: MAIL });
    expect(answer.json).toMatchObject({ expires_in: 3599, token_type: 'Bearer' });
    const client = new Client(simulator.url, answer.json.access_token);
    expect((await client.get('/gmail/v1/users/me/profile')).json.emailAddress).toBe(
      account().email,
    );
  });

  test.each([
    [{ sub: 'nobody@demo.example', scope: MAIL }, 400, 'invalid_grant', 'Invalid email or User ID'],
    [
      { sub: 'user1@demo.example', scope: 'https://mail.google.com/' },
      401,
      'unauthorized_client',
      /^Client is unauthorized/,
    ],
    [
      { sub: 'user1@demo.example', scope: MAIL, aud: 'http://127.0.0.1/token' },
      400,
      'invalid_grant',
      /^Invalid JWT: Token must be/,
    ],
    [
      { sub: 'user1@demo.example', scope: MAIL, exp: SECONDS + 7_200 },
      400,
      'invalid_grant',
      /^Invalid JWT: Token must be/,
    ],
    [{ iss: 'other@sim.example', scope: MAIL }, 400, 'invalid_grant', 'Invalid JWT Signature.'],
  ])('%j is refused', async (claims, status, error, description) => {
    const answer = await ask(claims);
    expect([answer.status, answer.json.error]).toEqual([status, error]);
    expect(answer.json.error_description).toMatch(description);
  });

  test('a service account alone has no mailbox', async () => {
    const client = new Client(simulator.url, (await ask({ scope: MAIL })).json.access_token);
    expect((await client.get('/gmail/v1/users/me/profile')).json.error.errors[0].reason).toBe(
      'failedPrecondition',
    );
  });
});

const refusalOf = async (refreshToken: string): Promise<unknown> =>
  (await tokenRequest(simulator.url, refreshToken)).json.error ?? null;

describe('grants of one person', () => {
  test('to one client are one grant: revoking one refresh token ends the others and their access tokens', async () => {
    const [older, newer] = [account().refreshToken, simulator.consent(account().email)];
    const client = await Client.signIn(simulator.url, older);
    await fetch(`${simulator.url}/revoke?token=${encodeURIComponent(newer)}`, { method: 'POST' });
    expect((await client.get('/gmail/v1/users/me/profile')).status).toBe(401);
    expect(await refusalOf(older)).toBe('invalid_grant');
  });

  test('to two clients end apart', async () => {
    const [older, newer] = [account().refreshToken, simulator.consent(account().email)];
    const other = { client_id: 'other', client_secret: 'other' };
    await tokenRequest(simulator.url, older);
    await tokenRequest(simulator.url, newer, other);
    await fetch(`${simulator.url}/revoke?token=${encodeURIComponent(newer)}`, { method: 'POST' });
    expect(await refusalOf(older)).toBeNull();
  });

  test('end apart with separateGrants', async () => {
    const apart = await startSimulator({ messagesPerAccount: 1, separateGrants: true });
    const [{ email, refreshToken }] = apart.accounts() as [ReturnType<typeof account>];
    await fetch(`${apart.url}/revoke?token=${encodeURIComponent(apart.consent(email))}`, {
      method: 'POST',
    });
    expect((await tokenRequest(apart.url, refreshToken)).status).toBe(200);
    await apart.close();
  });

  test('are refused while the account is suspended, and valid again afterwards', async () => {
    const suspend = (suspended: boolean): Promise<Response> =>
      fetch(`${simulator.url}/sim/accounts/${account().email}/suspend`, {
        method: 'POST',
        body: JSON.stringify({ suspended }),
      });
    const client = await Client.signIn(simulator.url, account().refreshToken);
    await suspend(true);
    expect((await client.get('/gmail/v1/users/me/profile')).status).toBe(401);
    expect(await refusalOf(account().refreshToken)).toBe('invalid_grant');
    await suspend(false);
    expect(await refusalOf(account().refreshToken)).toBeNull();
  });

  test('may be tried an hour after a refusal', async () => {
    simulator.faults.add({ kind: 'revoke-grant' });
    await refusalOf(account().refreshToken);
    simulator.clock.advance(3_600_000);
    await refusalOf(account().refreshToken);
    expect(simulator.ledger.snapshot().callsAfterInvalidGrant).toBe(0);
    await refusalOf(account().refreshToken);
    expect(simulator.ledger.snapshot().callsAfterInvalidGrant).toBe(1);
  });

  test('a refresh may return another refresh token, and the old one is then refused', async () => {
    const { refreshToken } = account();
    simulator.faults.add({ kind: 'token-rotated', count: 1 });
    const { json } = await tokenRequest(simulator.url, refreshToken);
    expect(await refusalOf(json.refresh_token)).toBeNull();
    expect(await refusalOf(refreshToken)).toBe('invalid_grant');
  });
});

test.each([
  [{ secret: 'another' }, 'invalid_client'],
  [{ state: 'deleted' }, 'deleted_client'],
  [{ state: 'disabled' }, 'disabled_client'],
])(
  'a registered client with %j is refused by %s, and accepted afterwards',
  async (order, error) => {
    const register = (more: object): Promise<Response> =>
      fetch(`${simulator.url}/sim/clients`, {
        method: 'POST',
        body: JSON.stringify({ id: 'mine', ...more }),
      });
    const ask = async (): Promise<unknown> =>
      (
        await tokenRequest(simulator.url, account().refreshToken, {
          client_id: 'mine',
          client_secret: 'secret',
        })
      ).json.error ?? null;
    await register(order);
    expect(await ask()).toBe(error);
    await register({ secret: 'secret' });
    expect(await ask()).toBeNull();
  },
);
