import { expireConnectSessions } from '../../packages/control/src/connect/expiry.js';
import { redisUrl } from '../support/database.js';
import { makeCanaries } from '../support/canaries.js';
import { columnsOf, redisContent } from '../support/canary-sinks.js';
import { Person, SCOPES, startConnectWorld, type ConnectWorld } from '../support/connect-world.js';
import { endProcess, lineOf, startProgram, stopAll } from '../support/processes.js';
import { freePort } from '../support/redis-server.js';

/*
 * Attacks on the way to Google's consent and back: each leaves no account and no credential, and a
 * row in the audit log. Whatever is secret on the way is in no log, table, metric, answer and
 * address but those that carry it.
 */

let connect: ConnectWorld;
let ada: string;
let eve: string;
beforeAll(async () => {
  connect = await startConnectWorld(1_602, 3);
  [ada = '', eve = ''] = connect.people;
});
afterEach(() => {
  connect.register();
});
afterAll(async () => {
  await stopAll();
  await connect.close();
});

const script = (order: object): void => connect.world.simulator.scriptConsent(order);
const changed = (url: string, name: string, value: string | null): string => {
  const target = new URL(url);
  if (value === null) target.searchParams.delete(name);
  else target.searchParams.set(name, value);
  return target.href;
};

describe('C8: a callback that is not the answer to an open request of this browser', () => {
  test.each<[string, (callback: string) => string, string]>([
    ['an unknown state', (url) => changed(url, 'state', 'x'.repeat(43)), 'unknown-state'],
    ['no state', (url) => changed(url, 'state', null), 'no-state'],
    ['two states', (url) => `${url}&state=other`, 'no-state'],
    ['a long state', (url) => changed(url, 'state', 'x'.repeat(300)), 'no-state'],
    [
      'an error without state',
      (url) => changed(changed(url, 'state', null), 'error', 'access_denied'),
      'no-state',
    ],
  ])('%s is a page with 400, and the session stays open', async (_what, bend, reason) => {
    const before = await connect.stored();
    const { id, url } = await connect.link();
    const person = new Person();
    script({ email: ada });
    const callback = await person.toGoogle(url);
    const { status, text } = await person.visit(bend(callback));
    expect([status, text.includes('cannot be used')]).toEqual([400, true]);
    expect(await connect.session(id)).toMatchObject({ state: 'open', accountId: null });
    expect(await connect.stored()).toEqual(before);
    expect((await connect.audit(null)).at(-1)).toBe(`callback-refused: ${reason}`);
  });

  test('another browser, with or without a cookie of its own session, gets a page with 400', async () => {
    const before = await connect.stored();
    const [mine, theirs] = [await connect.link(), await connect.link()];
    const [victim, attacker] = [new Person(), new Person()];
    script({ email: ada });
    const callback = await victim.toGoogle(mine.url);
    expect((await new Person().visit(callback)).status).toBe(400);
    await attacker.begin(theirs.url);
    expect((await attacker.visit(callback)).status).toBe(400);
    const stolen = [...attacker.cookies][0]!;
    attacker.cookies.set([...victim.cookies.keys()][0]!, stolen[1]);
    expect((await attacker.visit(callback)).status).toBe(400);
    expect(await connect.session(mine.id)).toMatchObject({ state: 'open' });
    expect(await connect.audit(mine.id)).toEqual(
      Array.from({ length: 3 }, () => 'callback-refused: other-browser'),
    );
    expect(await connect.stored()).toEqual(before);
    // The open session still works in its own browser.
    expect((await victim.visit(callback)).status).toBe(303);
    expect(await connect.session(mine.id)).toMatchObject({ state: 'connected' });
    // Replayed: the state was used.
    expect((await victim.visit(callback)).status).toBe(400);
    expect((await connect.audit(null)).at(-1)).toBe('callback-refused: unknown-state');
    await connect.rows('TRUNCATE syncline.accounts, syncline.identities CASCADE');
  });
});

describe('C8: an answer that is not what was asked for connects nothing', () => {
  async function attempt(
    order: object,
    bend: (callback: string) => string = (url) => url,
  ): Promise<[ReturnType<typeof connect.session> extends Promise<infer S> ? S : never, string[]]> {
    const before = await connect.stored();
    const { id, url } = await connect.link();
    const person = new Person();
    script({ email: ada, ...order });
    const { status, location } = await person.visit(bend(await person.toGoogle(url)));
    expect([status, location]).toEqual([303, `${connect.api.origin}/connect/sessions/${id}`]);
    expect(await connect.stored()).toEqual(before);
    return [await connect.session(id), await connect.audit(id)];
  }

  test.each<[string, object, string]>([
    ['another audience', { claims: { aud: 'somebody-else' } }, 'oauth-jwt-claim-comparison-failed'],
    ['another nonce', { claims: { nonce: 'other' } }, 'oauth-jwt-claim-comparison-failed'],
    ['no nonce', { claims: { nonce: null } }, 'oauth-invalid-response'],
    [
      'another issuer',
      { claims: { iss: 'https://evil.example' } },
      'oauth-jwt-claim-comparison-failed',
    ],
    ['an end in the past', { claims: { exp: 1 } }, 'oauth-jwt-timestamp-check-failed'],
    ['no sub', { claims: { sub: null } }, 'oauth-invalid-response'],
    ['a key that Google does not have', { kid: 'unknown' }, 'oauth-'],
    ['no identity token', { idToken: false }, 'oauth-invalid-response'],
    [
      'an address that is not verified',
      { claims: { email_verified: false } },
      'address-not-verified',
    ],
  ])('an identity token with %s', async (_what, token, reason) => {
    const [session, audit] = await attempt({ token });
    expect(session).toMatchObject({ state: 'failed', outcome: 'answer-refused' });
    expect(audit).toEqual([expect.stringContaining(`answer-refused: ${reason}`)]);
  });

  test('a mixed-up issuer in the redirect', async () => {
    const [session] = await attempt({}, (url) => changed(url, 'iss', 'https://evil.example'));
    expect(session).toMatchObject({ state: 'failed', outcome: 'answer-refused' });
  });

  test('a code of another person, which is injected into an open session', async () => {
    const theirs = await connect.link();
    const stranger = new Person();
    script({ email: eve });
    const stolen = new URL(await stranger.toGoogle(theirs.url)).searchParams.get('code');
    const [session, audit] = await attempt({}, (url) => changed(url, 'code', stolen));
    expect(session).toMatchObject({ state: 'failed', outcome: 'answer-refused' });
    // Google compares the PKCE challenge, which belongs to the other session's verifier.
    expect(audit).toEqual(['answer-refused: invalid-grant']);
  });

  test('a code that is bound to no PKCE challenge, which is injected into an open session', async () => {
    const theirs = await connect.link();
    const stranger = new Person();
    script({ email: eve });
    const request = new URL(await stranger.begin(theirs.url));
    expect(request.searchParams.get('code_challenge_method')).toBe('S256');
    request.searchParams.delete('code_challenge');
    request.searchParams.delete('code_challenge_method');
    const { location } = await stranger.visit(request.href);
    const code = new URL(String(location)).searchParams.get('code');
    const [session, audit] = await attempt({}, (url) => changed(url, 'code', code));
    expect(session).toMatchObject({ state: 'failed', outcome: 'answer-refused' });
    // The identity token has the nonce of the other session.
    expect(audit).toEqual(['answer-refused: oauth-jwt-claim-comparison-failed']);
  });

  test('no refresh token: nothing lasting is stored, and what was granted is revoked', async () => {
    const [session] = await attempt({ token: { refreshToken: false } });
    expect(session).toMatchObject({ state: 'failed', outcome: 'no-lasting-permission' });
  });
});

test('C8: two states of one browser that are swapped connect nothing', async () => {
  const before = await connect.stored();
  const [one, other] = [await connect.link(), await connect.link({ tenant: 'globex' })];
  const person = new Person();
  script({ email: ada, count: 2 });
  const first = new URL(await person.toGoogle(one.url));
  const second = new URL(await person.toGoogle(other.url));
  const swapped = changed(second.href, 'state', first.searchParams.get('state'));
  await person.visit(swapped);
  expect(await connect.session(one.id)).toMatchObject({
    state: 'failed',
    outcome: 'answer-refused',
  });
  expect(await connect.stored()).toEqual(before);
});

test('C8: addresses to return to that are not allowed are refused before there is a link', async () => {
  for (const returnTo of ['//evil.example', 'javascript:alert(1)', 'https://evil.example/']) {
    const { status } = await connect.send('POST', '/v1/connect-sessions', {
      body: { tenant: 'acme', returnTo },
    });
    expect([returnTo, status]).toEqual([returnTo, 400]);
    expect((await connect.audit(null)).at(-1)).toBe('refused: return-to');
  }
});

test('C8: a form of another site, another method and a frame are refused', async () => {
  const { id, url } = await connect.link();
  const person = new Person();
  const foreign = await person.visit(url, {
    method: 'POST',
    headers: { 'sec-fetch-site': 'cross-site' },
  });
  expect(foreign.status).toBe(403);
  expect(person.cookies.size).toBe(0);
  const byOrigin = { method: 'POST', headers: { origin: 'https://evil.example' } };
  expect((await person.visit(url, byOrigin)).status).toBe(403);
  const refusals = Array.from({ length: 2 }, () => 'start-refused: other-site');
  expect(await connect.audit(id)).toEqual(refusals);
  expect((await person.visit(url, { method: 'DELETE' })).status).toBe(405);
  expect(
    (await person.visit(`${connect.api.origin}/connect/callback`, { method: 'POST' })).status,
  ).toBe(405);
  const page = await person.visit(url);
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(page.headers.get('x-frame-options')).toBe('DENY');
  expect(page.headers.get('cache-control')).toBe('no-store');
  expect(page.headers.get('referrer-policy')).toBe('no-referrer');
});

test('C8: a preview of the link uses nothing up, and the cookie is of this session and for no script', async () => {
  const { url, id } = await connect.link();
  await new Person().visit(url);
  const { headers, location } = await new Person().visit(url, { method: 'POST' });
  const [cookie = ''] = headers.getSetCookie();
  expect(cookie).toMatch(/HttpOnly/);
  expect(cookie).toMatch(/SameSite=Lax/);
  expect(cookie).toContain(id.slice(3));
  const asked = new URL(String(location)).searchParams;
  expect(Object.fromEntries(asked)).toMatchObject({
    response_type: 'code',
    access_type: 'offline',
    prompt: 'select_account consent',
    code_challenge_method: 'S256',
    redirect_uri: `${connect.api.origin}/connect/callback`,
    scope: `openid email ${SCOPES.gmail} ${SCOPES.calendar}`,
  });
  expect(asked.has('include_granted_scopes')).toBe(false);
});

test('two starts of one page, as of a double click, are both of its browser', async () => {
  const { id, url } = await connect.link();
  const person = new Person();
  await person.visit(url);
  expect(person.cookies.size).toBe(1);
  const starts = await Promise.all([1, 2].map(() => person.visit(url, { method: 'POST' })));
  expect(starts.map(({ status }) => status)).toEqual([303, 303]);
  for (let attempts = 2; attempts < 20; attempts++) await person.visit(url, { method: 'POST' });
  const last = await person.visit(url, { method: 'POST' });
  expect([last.status, last.text.includes('tried too often')]).toEqual([429, true]);
  expect(await connect.session(id)).toMatchObject({ state: 'open' });
});

test('a session whose attempt was refused because of another account is bound to none', async () => {
  await connect.connected(eve, { tenant: 'initech' });
  const { id, url } = await connect.link({ tenant: 'initech' });
  const person = new Person();
  script({ email: eve, allow: [SCOPES.gmail] });
  await person.visit(await person.toGoogle(url));
  expect(await connect.session(id)).toMatchObject({ state: 'failed', outcome: 'fewer-granted' });
  script({ email: ada });
  await person.visit(await person.toGoogle(url));
  expect(await connect.session(id)).toMatchObject({ state: 'connected', outcome: 'connected' });
});

test('a session that nobody uses expires, and one whose person does not come back is noticed', async () => {
  const [unused, away] = [await connect.link(), await connect.link()];
  await new Person().begin(away.url);
  expect((await expireConnectSessions(connect.world, -1)).outcomes).toContain('not-returned');
  expect(await connect.session(away.id)).toMatchObject({
    state: 'open',
    outcome: 'not-returned',
    problem: { type: 'urn:syncline:problem:not-returned' },
  });
  await connect.rows('UPDATE syncline.connect_sessions SET expires_at = now() WHERE id = ANY($1)', [
    [unused.id, away.id],
  ]);
  expect(await connect.session(unused.id)).toMatchObject({ state: 'failed', outcome: 'expired' });
  // Whoever has not come back is counted once.
  expect((await expireConnectSessions(connect.world)).outcomes).toEqual(['expired']);
  expect(await connect.audit(unused.id)).toEqual(['expired']);
  expect(await connect.audit(away.id)).toEqual(['not-returned']);
  expect(await connect.session(away.id)).toMatchObject({
    state: 'failed',
    outcome: 'not-returned',
  });
  expect((await new Person().visit(unused.url)).status).toBe(410);
});

test('C13: codes, states, verifiers, nonces, cookies, links and tokens are in no log, job, table, metric and answer', async () => {
  const { world } = connect;
  const canaries = makeCanaries();
  const port = await freePort();
  const operatorPort = await freePort();
  const prefix = `connect-canary-${port}`;
  const origin = `http://127.0.0.1:${port}`;
  connect.register({ redirectUris: [`${origin}/connect/callback`] });
  const api = startProgram('api', {
    ...world.env,
    REDIS_PREFIX: prefix,
    PORT: String(port),
    OPERATOR_PORT: String(operatorPort),
    LOG_LEVEL: 'trace',
  });
  await lineOf(api, (line) => line.includes('"listening"'));
  const answers: string[] = [];
  const addresses: string[] = [];
  const ask = async (
    method: string,
    path: string,
    body?: object,
  ): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${origin}${path}`, {
      method,
      headers: { authorization: `Bearer ${connect.key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json = (await answer.json()) as Record<string, unknown>;
    answers.push(JSON.stringify({ ...json, url: undefined }));
    return json;
  };
  const connectBy = async (order: object, body: object = {}): Promise<void> => {
    const { id, url } = await ask('POST', '/v1/connect-sessions', { tenant: 'acme', ...body });
    const person = new Person();
    script(order);
    const [link, toGoogle] = [String(url), await person.begin(String(url))];
    const [sealed] = await connect.rows<{ sealed: Buffer }>(
      'SELECT sealed FROM syncline.connect_attempts WHERE session_id = $1',
      [id],
    );
    const secrets = world.store.vault.openAttempt(
      { id: String(id), tenant: 'acme' },
      sealed!.sealed,
    );
    const { verifier, nonce } = JSON.parse(String(secrets)) as Record<string, string>;
    const callback = String((await person.visit(toGoogle)).location);
    const query = new URL(callback).searchParams;
    const code = query.get('code') ?? 'cancelled-without-a-code';
    for (const value of [
      link.split('/').at(-1)!,
      verifier!,
      nonce!,
      query.get('state')!,
      code,
      ...person.cookies.values(),
    ])
      canaries.alsoSecret(value);
    for (const address of [callback, callback, `${origin}/connect/sessions/${String(id)}`, link]) {
      const page = await person.visit(address);
      answers.push(page.text.replaceAll(link, ''), page.location ?? '');
      addresses.push(page.location ?? '');
    }
    // A check of the search itself.
    expect(canaries.leaksIn(callback, ['secret'])).not.toEqual([]);
    await new Person().visit(callback);
    const { accountId } = (await ask('GET', `/v1/connect-sessions/${String(id)}`)) as {
      accountId: string | null;
    };
    const grant = accountId !== null ? await world.store.vault.grant(accountId) : null;
    if (grant?.kind === 'stored') canaries.alsoSecret(grant.refreshToken);
  };
  await connectBy({ email: ada });
  await connectBy({ email: ada, cancel: true });
  await connectBy({ email: eve, token: { claims: { nonce: 'other' } } });
  await connectBy({ email: eve, token: { refreshToken: false } });
  const metrics = await (await fetch(`http://127.0.0.1:${operatorPort}/metrics`)).text();
  expect(metrics).toContain('syncline_connect_total{outcome="connected"} 1');
  await endProcess(api);
  const stored = (await columnsOf(world.database.pool)).flatMap(({ values }) => values);
  const redis = (await redisContent(redisUrl()))
    .split('\n')
    .filter((line) => line.includes(prefix));
  const sinks = {
    log: api.output.join(''),
    answers: answers.join('\n'),
    addresses: addresses.join('\n'),
    metrics,
    redis: redis.join('\n'),
    tables: stored.join('\n'),
  };
  expect(sinks.log).toContain('connect_answer_refused');
  for (const [name, text] of Object.entries(sinks))
    expect([name, canaries.leaksIn(text, ['secret'])]).toEqual([name, []]);
});
