import { openBench, type Bench } from '../test-support/bench-google.js';
import { ownerOfIdToken } from './owner.js';

const NOW_MS = Date.UTC(2026, 10, 28);
const CLAIMS = {
  iss: 'https://accounts.google.com',
  aud: 'client',
  azp: 'client',
  sub: '110169484474386276334',
  email: 'Ann@example.com',
  email_verified: true,
  iat: NOW_MS / 1_000,
  exp: NOW_MS / 1_000 + 3_600,
};
const jwt = (claims: object): string =>
  [{ alg: 'RS256' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat('signature')
    .join('.');

test.each<[string, unknown, object | null]>([
  ['its claims', CLAIMS, { sub: CLAIMS.sub, address: CLAIMS.email }],
  [
    'no address that is not verified',
    { ...CLAIMS, email_verified: false },
    { sub: CLAIMS.sub, address: null },
  ],
  ['nothing for another client', { ...CLAIMS, aud: 'other', azp: 'other' }, null],
  [
    'nothing for several audiences without ours as the party',
    { ...CLAIMS, aud: ['client', 'x'], azp: 'x' },
    null,
  ],
  ['nothing from another issuer', { ...CLAIMS, iss: 'https://accounts.example.com' }, null],
  ['nothing when it has expired', { ...CLAIMS, exp: NOW_MS / 1_000 - 3_600 }, null],
  ['nothing without an expiry', { ...CLAIMS, exp: undefined }, null],
  ['no sub that is no text', { ...CLAIMS, sub: 7 }, { sub: null, address: CLAIMS.email }],
  [
    'no sub and no address that cannot be stored',
    { ...CLAIMS, sub: '7\0', email: 'ann\ud800@\0' },
    null,
  ],
  ['nothing for a list', ['x'], null],
])('an identity token contains %s', (_name, claims, owner) => {
  expect(ownerOfIdToken(jwt(claims as object), 'client', NOW_MS)).toEqual(owner);
});

test.each([[undefined], [7], [''], ['a.b'], ['a.!.c'], ['a.b.c.d']])(
  'an invalid token gives no owner: %p',
  (token) => {
    expect(ownerOfIdToken(token, 'client', NOW_MS)).toBeNull();
  },
);

describe('the owner of an account’s grant', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  });
  beforeEach(() => bench.fresh());
  afterAll(() => bench.stop());

  test("is read from the refresh's identity token, otherwise from token information, once per access token", async () => {
    const { owner } = (await bench.open()).account('a1');
    bench.stub.answer = () => ({
      body: { sub: '7', email: 'ann@example.com', email_verified: 'true', aud: 'x' },
    });
    expect(await owner()).toEqual({ sub: '7', address: 'ann@example.com' });
    expect(await owner()).toEqual({ sub: '7', address: 'ann@example.com' });
    expect(bench.stub.seen).toMatchObject([
      { verb: 'POST', path: '/tokeninfo', headers: { authorization: 'Bearer ya29.1' } },
    ]);
  });

  test('is null when Google does not know the token, and an error while Google does not answer', async () => {
    const { owner } = (await bench.open()).account('a1');
    bench.stub.answer = () => ({ status: 503, body: 'busy' });
    await expect(owner()).rejects.toMatchObject({ detail: { kind: 'unavailable' } });
    bench.stub.answer = () => ({ body: '<html>' });
    await expect(owner()).rejects.toMatchObject({ detail: { kind: 'unavailable' } });
    bench.stub.answer = () => ({ status: 404, body: 'Not Found' });
    expect(await owner()).toEqual({ sub: null, address: null });
  });
});
