/**
 * The authorization endpoint and the exchange of codes, with the library `openid-client` as the
 * client and plain form posts as the person.
 */
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { Client, tokenRequest } from '../../test-support/client.js';
import type { ClientOrder } from '../clients.js';
import { startSimulator, type Simulator } from '../simulator.js';

const CALLBACK = 'http://127.0.0.1:3000/connect/callback';
const MAIL = 'https://www.googleapis.com/auth/gmail.readonly';
const CALENDAR = 'https://www.googleapis.com/auth/calendar.readonly';
const SCOPE = `openid email ${MAIL} ${CALENDAR}`;
const GRANTED = `openid https://www.googleapis.com/auth/userinfo.email ${MAIL} ${CALENDAR}`;
const EMAIL = 'user1@demo.example';

let simulator: Simulator;
let clients = 0;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: 2,
    messagesPerAccount: 2,
    calendarsPerAccount: 1,
    eventsPerCalendar: 1,
    nowMs: Date.now(),
  });
});
afterAll(() => simulator.close());

/** Registers a client of its own for the test and discovers the simulator with it. */
async function newClient(order: Partial<ClientOrder> = {}): Promise<openid.Configuration> {
  const id = `client-${++clients}.apps.googleusercontent.com`;
  simulator.registerClient({ id, secret: 's+cret/', redirectUris: [CALLBACK], ...order });
  return discover(id);
}

function discover(id: string): Promise<openid.Configuration> {
  return openid.discovery(
    new URL(`${simulator.url}/.well-known/openid-configuration`),
    id,
    's+cret/',
    undefined,
    { execute: [openid.allowInsecureRequests] },
  );
}

interface Attempt {
  url: URL;
  checks: openid.AuthorizationCodeGrantChecks;
}

async function attempt(
  config: openid.Configuration,
  more: Record<string, string> = {},
): Promise<Attempt> {
  const verifier = openid.randomPKCECodeVerifier();
  const checks = {
    pkceCodeVerifier: verifier,
    expectedState: openid.randomState(),
    expectedNonce: openid.randomNonce(),
    idTokenExpected: true,
  };
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: SCOPE,
    access_type: 'offline',
    prompt: 'consent',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...more,
  });
  return { url, checks };
}

interface Page {
  status: number;
  text: string;
  location: URL | null;
}

async function open(url: URL | string, form?: [string, string][]): Promise<Page> {
  const response = await fetch(url, {
    redirect: 'manual',
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
  const location = response.headers.get('location');
  return {
    status: response.status,
    text: await response.text(),
    location: location === null ? null : new URL(location),
  };
}

function post(
  page: Page,
  path: string,
  fields: readonly (readonly [string, string])[],
): Promise<Page> {
  const ticket = /name="request" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  return open(simulator.url + path, [
    ['request', ticket],
    ...fields.map(([name, value]): [string, string] => [name, value]),
  ]);
}

const choose = (page: Page, email = EMAIL): Promise<Page> =>
  post(page, '/signin/oauth/account', [['email', email]]);
const decide = (page: Page, decision: string, scopes: readonly string[] = []): Promise<Page> =>
  post(page, '/signin/oauth/consent', [
    ...scopes.map((scope) => ['scope', scope] as const),
    ['decision', decision],
  ]);

/** Consents by a script and returns the tokens. */
async function consent(
  config: openid.Configuration,
  more: Record<string, string> = {},
  order: Parameters<Simulator['scriptConsent']>[0] = {},
) {
  simulator.scriptConsent({ email: EMAIL, ...order, client: config.clientMetadata().client_id });
  const { url, checks } = await attempt(config, more);
  const { location } = await open(url);
  return openid.authorizationCodeGrant(config, location as URL, checks);
}

describe('openid-client, unchanged', () => {
  test('gets tokens for the person and the boxes that were chosen on the pages', async () => {
    const config = await newClient({ name: 'Acme <Mail>' });
    const { url, checks } = await attempt(config);
    const chooser = await open(url);
    expect(chooser.text).toContain('<button name="email" value="user2@demo.example">');
    expect(chooser.text).toContain('Acme &lt;Mail&gt;');
    const page = await choose(chooser);
    expect(page.text.match(/type="checkbox"/g)).toHaveLength(2);
    expect(page.text).not.toContain(' checked');
    const all = await decide(page, 'select-all');
    expect(all.text.match(/ checked/g)).toHaveLength(2);
    const { status, location } = await decide(all, 'continue', [MAIL, CALENDAR]);
    expect(status).toBe(302);
    const tokens = await openid.authorizationCodeGrant(config, location as URL, checks);
    expect(tokens).toMatchObject({ expires_in: 3599, scope: GRANTED, token_type: 'bearer' });
    const { sub } = simulator.world.get(EMAIL)!;
    expect(tokens.claims()).toMatchObject({
      iss: 'https://accounts.google.com',
      sub,
      email: EMAIL,
      email_verified: true,
      hd: 'demo.example',
    });
    const keys = createRemoteJWKSet(new URL(`${simulator.url}/oauth2/v3/certs`));
    const audience = config.clientMetadata().client_id;
    await expect(jwtVerify(tokens.id_token!, keys, { audience })).resolves.toBeDefined();
    expect(await openid.fetchUserInfo(config, tokens.access_token, sub)).toMatchObject({
      email: EMAIL,
    });
    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token!);
    const google = new Client(simulator.url, refreshed.access_token);
    expect((await google.get('/gmail/v1/users/me/profile')).json.emailAddress).toBe(EMAIL);
    await openid.tokenRevocation(config, tokens.refresh_token!);
    await expect(openid.refreshTokenGrant(config, tokens.refresh_token!)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  test('authenticates by client_secret_basic too', async () => {
    const config = await newClient();
    const { client_id } = config.clientMetadata();
    const basic = new openid.Configuration(
      config.serverMetadata(),
      client_id,
      {},
      openid.ClientSecretBasic('s+cret/'),
    );
    openid.allowInsecureRequests(basic);
    expect((await consent(basic)).refresh_token).toBeDefined();
    const wrong = new openid.Configuration(config.serverMetadata(), client_id, 'other');
    openid.allowInsecureRequests(wrong);
    await expect(consent(wrong)).rejects.toMatchObject({ error: 'invalid_client', status: 401 });
  });

  test.each([
    ['another audience', { claims: { aud: 'other' } }, /aud/],
    ['another issuer', { claims: { iss: 'https://evil.example' } }, /iss/],
    ['another nonce', { claims: { nonce: 'other' } }, /nonce/],
    ['no nonce', { claims: { nonce: null } }, /nonce/],
    ['no identity token', { idToken: false }, /id_token/],
  ])('refuses an answer with %s', async (_, token, cause) => {
    const config = await newClient();
    await expect(consent(config, {}, { token })).rejects.toMatchObject({
      cause: expect.objectContaining({ message: expect.stringMatching(cause) }),
    });
  });
});

test('a key that the certificates do not have, and a missing refresh token', async () => {
  const config = await newClient();
  const answer = await consent(config, {}, { token: { kid: 'unknown', refreshToken: false } });
  expect(answer.refresh_token).toBeUndefined();
  const keys = createRemoteJWKSet(new URL(`${simulator.url}/oauth2/v3/certs`));
  await expect(jwtVerify(answer.id_token!, keys)).rejects.toMatchObject({
    code: 'ERR_JWKS_NO_MATCHING_KEY',
  });
});

describe('the consent page', () => {
  test('gives only what was ticked, and the identity', async () => {
    const config = await newClient();
    const { url, checks } = await attempt(config);
    const { location } = await decide(await choose(await open(url)), 'continue', [CALENDAR]);
    const { scope } = await openid.authorizationCodeGrant(config, location!, checks);
    expect(scope).toBe(`openid https://www.googleapis.com/auth/userinfo.email ${CALENDAR}`);
  });

  test('has no box for a single scope', async () => {
    const config = await newClient();
    const { url, checks } = await attempt(config, { scope: `openid ${MAIL}` });
    const page = await choose(await open(url));
    expect(page.text).not.toContain('checkbox');
    const { location } = await decide(page, 'continue');
    const { scope } = await openid.authorizationCodeGrant(config, location!, checks);
    expect(scope).toBe(`openid ${MAIL}`);
  });

  test('returns access_denied and the state after Cancel', async () => {
    const config = await newClient();
    const { url, checks } = await attempt(config);
    const { location } = await decide(await choose(await open(url)), 'cancel');
    expect(Object.fromEntries(location!.searchParams)).toEqual({
      error: 'access_denied',
      state: checks.expectedState,
      iss: 'https://accounts.google.com',
    });
  });

  test('is answered once', async () => {
    const page = await choose(await open((await attempt(await newClient())).url));
    expect((await decide(page, 'continue', [MAIL])).status).toBe(302);
    expect((await decide(page, 'continue', [MAIL])).status).toBe(400);
  });

  test('comes at once for a login_hint, by address or sub, unless an account is to be selected', async () => {
    const config = await newClient();
    const { sub } = simulator.world.get(EMAIL)!;
    const titleFor = async (more: Record<string, string>): Promise<string | undefined> =>
      /<h1>(.+)<\/h1>/.exec((await open((await attempt(config, more)).url)).text)?.[1];
    expect(await titleFor({ login_hint: EMAIL })).toMatch(/wants access/);
    expect(await titleFor({ login_hint: sub })).toMatch(/wants access/);
    expect(await titleFor({ login_hint: 'nobody@demo.example' })).toBe('Choose an account');
    expect(await titleFor({ login_hint: EMAIL, prompt: 'select_account consent' })).toBe(
      'Choose an account',
    );
  });
});

describe('a page without redirect', () => {
  const refused = async (config: openid.Configuration, more: Record<string, string> = {}) => {
    const first = await open((await attempt(config, more)).url);
    const page = first.status === 200 ? await choose(first) : first;
    expect(page.location).toBeNull();
    return [page.status, /Error \d+: (\w+)/.exec(page.text)?.[1]];
  };

  test.each([
    ['an unknown redirect URI', {}, { redirect_uri: `${CALLBACK}/` }, 400, 'redirect_uri_mismatch'],
    ['an unlisted scope', { scopes: ['email', MAIL] }, {}, 400, 'invalid_scope'],
    ['an unknown scope', {}, { scope: 'everything' }, 400, 'invalid_scope'],
    ['a missing scope', {}, { scope: '' }, 400, 'invalid_request'],
    ['another response type', {}, { response_type: 'token' }, 400, 'invalid_request'],
    ['an unknown prompt', {}, { prompt: 'login' }, 400, 'invalid_request'],
    ['a short challenge', {}, { code_challenge: 'short' }, 400, 'invalid_request'],
    ['a deleted client', { state: 'deleted' }, {}, 401, 'deleted_client'],
    ['a person who is no test user', { mode: 'testing' }, {}, 403, 'access_denied'],
    [
      'a person of another organization',
      { mode: 'internal', domain: 'acme.example' },
      {},
      403,
      'org_internal',
    ],
    [
      'a client that the administrator blocks',
      { blockedDomains: ['demo.example'] },
      {},
      400,
      'admin_policy_enforced',
    ],
  ] as const)('is shown for %s', async (_, order, more, status, code) => {
    const config = await newClient(order as Partial<ClientOrder>);
    expect(await refused(config, { ...more })).toEqual([status, code]);
  });

  test('is shown for an unknown client', async () => {
    expect(await refused(await discover('nobody'))).toEqual([401, 'invalid_client']);
  });

  test('is shown for a suspended account', async () => {
    const config = await newClient();
    const suspend = (suspended: boolean): Promise<Page> | Promise<Response> =>
      fetch(`${simulator.url}/sim/accounts/${EMAIL}/suspend`, {
        method: 'POST',
        body: JSON.stringify({ suspended }),
      });
    await suspend(true);
    const answer = await refused(config);
    await suspend(false);
    expect(answer).toEqual([403, 'account_disabled']);
  });
});

describe('a code', () => {
  const codeFor = async (config: openid.Configuration): Promise<Record<string, string>> => {
    simulator.scriptConsent({ email: EMAIL, client: config.clientMetadata().client_id });
    const { url, checks } = await attempt(config);
    const { location } = await open(url);
    return {
      grant_type: 'authorization_code',
      code: location!.searchParams.get('code')!,
      redirect_uri: CALLBACK,
      code_verifier: checks.pkceCodeVerifier!,
      client_id: config.clientMetadata().client_id,
      client_secret: 's+cret/',
    };
  };
  const errorOf = async (form: Record<string, string>): Promise<string | undefined> =>
    (await tokenRequest(simulator.url, '', form)).json.error;

  test('is valid once', async () => {
    const form = await codeFor(await newClient());
    expect([await errorOf(form), await errorOf(form)]).toEqual([undefined, 'invalid_grant']);
  });

  test('ends after ten minutes', async () => {
    const form = await codeFor(await newClient());
    simulator.clock.advance(600_000);
    expect(await errorOf(form)).toBe('invalid_grant');
  });

  test('is used up by an answer that is lost', async () => {
    const form = await codeFor(await newClient());
    simulator.faults.add({ kind: 'half-then-reset', method: 'token', email: EMAIL, count: 1 });
    await expect(tokenRequest(simulator.url, '', form)).rejects.toThrow();
    expect(await errorOf(form)).toBe('invalid_grant');
  });

  test.each([
    ['another redirect URI', { redirect_uri: 'http://127.0.0.1/' }, 'redirect_uri_mismatch'],
    ['another verifier', { code_verifier: 'x'.repeat(43) }, 'invalid_grant'],
    ['another client', { client_id: 'other' }, 'invalid_grant'],
  ])('is refused with %s', async (_, more, error) => {
    const form = await codeFor(await newClient());
    expect(await errorOf({ ...form, ...more })).toBe(error);
  });

  test('ends with a revocation of the consent', async () => {
    const config = await newClient();
    const { access_token } = await consent(config);
    const form = await codeFor(config);
    await openid.tokenRevocation(config, access_token);
    expect(await errorOf(form)).toBe('invalid_grant');
  });
});

describe('a refresh token', () => {
  test('comes with offline access at the first consent, and with prompt=consent', async () => {
    const config = await newClient();
    const has = async (more: Record<string, string>): Promise<boolean> =>
      (await consent(config, more)).refresh_token !== undefined;
    expect(await has({ access_type: 'online' })).toBe(false);
    expect(await has({ prompt: 'select_account' })).toBe(true);
    expect(await has({ prompt: 'select_account' })).toBe(false);
    expect(await has({})).toBe(true);
  });

  test('is for one client', async () => {
    const { refresh_token } = await consent(await newClient());
    const other = await newClient();
    await expect(openid.refreshTokenGrant(other, refresh_token!)).rejects.toMatchObject({
      error: 'unauthorized_client',
    });
  });

  test('ends with every other of the person and client', async () => {
    const config = await newClient();
    const [first, second] = [await consent(config), await consent(config)];
    const other = await newClient();
    const untouched = await consent(other);
    await openid.tokenRevocation(config, second.access_token);
    await expect(openid.refreshTokenGrant(config, first.refresh_token!)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    expect((await openid.refreshTokenGrant(other, untouched.refresh_token!)).scope).toBe(GRANTED);
  });

  test('of an app in testing ends after seven days', async () => {
    const config = await newClient({ mode: 'testing', testUsers: [EMAIL] });
    const tokens = await consent(config);
    expect(tokens['refresh_token_expires_in']).toBe(604_800);
    const identity = await consent(config, { scope: 'openid email' });
    expect(identity['refresh_token_expires_in']).toBeUndefined();
  });
});

describe('what was approved before', () => {
  test('needs no page, also with prompt=none', async () => {
    const config = await newClient();
    const silently = async (): Promise<URLSearchParams> =>
      (await open((await attempt(config, { prompt: 'none', login_hint: EMAIL })).url)).location!
        .searchParams;
    expect((await silently()).get('error')).toBe('interaction_required');
    await consent(config);
    expect((await silently()).get('code')).toMatch(/^4\//);
    const { url } = await attempt(config, { prompt: 'select_account' });
    expect((await choose(await open(url))).location!.searchParams.has('code')).toBe(true);
  });

  test('joins the new scopes with include_granted_scopes only', async () => {
    const config = await newClient();
    await consent(config, { scope: `openid ${MAIL}` });
    const added = { scope: `openid ${CALENDAR}` };
    expect((await consent(config, added)).scope).toBe(`openid ${CALENDAR}`);
    expect((await consent(config, { ...added, include_granted_scopes: 'true' })).scope).toBe(
      `openid ${CALENDAR} ${MAIL}`,
    );
  });
});

test('a renamed person has another address and the same sub', async () => {
  const config = await newClient();
  const add = (email: string, more: object = {}): Promise<Response> =>
    fetch(`${simulator.url}/sim/accounts`, {
      method: 'POST',
      body: JSON.stringify({ email, messages: 0, calendars: 1, eventsPerCalendar: 0, ...more }),
    });
  await add('old@demo.example');
  const idOf = async (email: string) => decodeJwt((await consent(config, {}, { email })).id_token!);
  const before = await idOf('old@demo.example');
  await fetch(`${simulator.url}/sim/accounts/old@demo.example/rename`, {
    method: 'POST',
    body: JSON.stringify({ email: 'new@demo.example' }),
  });
  expect(await idOf('new@demo.example')).toMatchObject({
    sub: before.sub,
    email: 'new@demo.example',
  });
  await add('old@demo.example');
  expect((await idOf('old@demo.example')).sub).not.toBe(before.sub);
});

test('the control scripts a cancellation by HTTP and lists what waits', async () => {
  const config = await newClient();
  const client = config.clientMetadata().client_id;
  const url = `${simulator.url}/sim/consents`;
  const control = async (method: string, body?: object) =>
    (
      await fetch(url, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    ).json() as Promise<Record<string, unknown>>;
  expect(await control('POST', { email: EMAIL, cancel: true, client })).toEqual({ waiting: 1 });
  expect((await control('GET'))['waiting']).toMatchObject([{ email: EMAIL, cancel: true, client }]);
  const { location } = await open((await attempt(config)).url);
  expect(location!.searchParams.get('error')).toBe('access_denied');
  expect(await control('POST', { allow: 'some' })).toEqual({
    error: 'allow must be a list of texts',
  });
});
