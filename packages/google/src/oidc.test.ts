import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { createRuntime, type Clock, type Runtime } from '@syncline/runtime';
import { type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { startStubGoogle, type StubGoogle } from '../test-support/stub-google.js';
import { openPushVerifier, type PushVerifier } from './oidc.js';

const AUDIENCE = 'https://sync.example.com/push/gmail';
const SERVICE_ACCOUNT = 'push@project.iam.gserviceaccount.com';
const google = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });

let stub: StubGoogle;
let verifier: PushVerifier;
let nowMs: number;
let warnings: object[];
beforeEach(async () => {
  stub = await startStubGoogle();
  stub.answer = () => ({ body: { keys: [shown('k1')] } });
  nowMs = Date.now();
  warnings = [];
  const rt = createRuntime({ service: 'test', logLevel: 'silent', clock: stopped() });
  rt.log.warn = ((fields: object) => warnings.push(fields)) as Runtime['log']['warn'];
  verifier = openPushVerifier(rt, {
    apiUrl: stub.url,
    audience: AUDIENCE,
    serviceAccount: SERVICE_ACCOUNT,
  });
});
afterEach(async () => {
  await verifier.close();
  await stub.close();
});

function stopped(): Clock {
  return { ...createRuntime({ service: 'test', logLevel: 'silent' }).clock, nowMs: () => nowMs };
}

const shown = (kid: string, key = google.publicKey) => ({
  ...key.export({ format: 'jwk' }),
  kid,
  alg: 'RS256',
  use: 'sig',
});

function claims(over: JWTPayload = {}): JWTPayload {
  const iat = Math.floor(nowMs / 1_000);
  return {
    iss: 'https://accounts.google.com',
    aud: AUDIENCE,
    email: SERVICE_ACCOUNT,
    email_verified: true,
    iat,
    exp: iat + 3_600,
    ...over,
  };
}

async function refusalOf(
  over: JWTPayload = {},
  header: object = {},
  key = google.privateKey,
): Promise<unknown> {
  const token = await new SignJWT(claims(over))
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header })
    .sign(key);
  return verifier.verify(`Bearer ${token}`);
}

const seconds = (fromNow: number): number => Math.floor(nowMs / 1_000) + fromNow;

test('a token of Google for the service account is accepted', async () => {
  expect(await refusalOf()).toBeNull();
  expect(await refusalOf({ iss: 'accounts.google.com' })).toBeNull();
});

describe('a repeated token', () => {
  const signed = (over: JWTPayload = {}, key = google.privateKey): Promise<string> =>
    new SignJWT(claims(over)).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).sign(key);
  const verified = (token: string): Promise<unknown> => verifier.verify(`Bearer ${token}`);
  let verifications: jest.SpyInstance;
  beforeEach(() => (verifications = jest.spyOn(webcrypto.subtle, 'verify')));
  afterEach(() => verifications.mockRestore());

  test('is verified once a minute', async () => {
    const token = await signed();
    for (const elapsedMs of [0, 0, 59_000]) {
      nowMs += elapsedMs;
      expect(await verified(token)).toBeNull();
    }
    expect(verifications).toHaveBeenCalledTimes(1);
    nowMs += 1_000;
    expect(await verified(token)).toBeNull();
    expect(verifications).toHaveBeenCalledTimes(2);
  });

  test('is refused when it has expired within that minute', async () => {
    const token = await signed({ exp: seconds(20) });
    expect(await verified(token)).toBeNull();
    nowMs += 31_000;
    expect(await verified(token)).toBe('expired');
  });

  test('is refused when the clock was set back before its beginning', async () => {
    const token = await signed();
    expect(await verified(token)).toBeNull();
    nowMs -= 600_000;
    expect(await verified(token)).toBe('expired');
  });

  test('is refused again when it was refused', async () => {
    const token = await signed({}, stranger.privateKey);
    expect(await verified(token)).toBe('bad-signature');
    expect(await verified(token)).toBe('bad-signature');
    expect(verifications).toHaveBeenCalledTimes(2);
  });
});

test.each<[string, JWTPayload, string | null]>([
  ['another issuer', { iss: 'https://accounts.example.com' }, 'wrong-issuer'],
  ['no issuer', { iss: undefined }, 'wrong-issuer'],
  ['another audience', { aud: 'https://elsewhere' }, 'wrong-audience'],
  ['a list of audiences', { aud: [AUDIENCE, 'https://elsewhere'] }, 'wrong-audience'],
  ['another sender', { email: 'x@y.z' }, 'wrong-service-account'],
  ['an unverified sender', { email_verified: 'true' }, 'wrong-service-account'],
])('%s is refused before a key is requested', async (_what, over, refusal) => {
  expect(await refusalOf(over)).toBe(refusal);
  expect(stub.seen).toEqual([]);
});

test.each<[string, () => JWTPayload, string | null]>([
  ['expired within the tolerance', () => ({ exp: seconds(-9) }), null],
  ['expired', () => ({ iat: seconds(-3_700), exp: seconds(-11) }), 'expired'],
  ['issued within the tolerance ahead', () => ({ iat: seconds(9) }), null],
  ['issued in the future', () => ({ iat: seconds(60) }), 'expired'],
  ['not valid yet', () => ({ nbf: seconds(60) }), 'expired'],
  ['valid within the tolerance', () => ({ nbf: seconds(9) }), null],
  ['valid for longer than a day', () => ({ exp: seconds(25 * 3_600) }), 'expired'],
  ['issued more than a day ago', () => ({ iat: seconds(-25 * 3_600) }), 'expired'],
  ['without an end', () => ({ exp: undefined }), 'expired'],
  ['without a beginning', () => ({ iat: undefined }), 'expired'],
])('a token that is %s', async (_what, over, refusal) => {
  expect(await refusalOf(over())).toBe(refusal);
});

test('the algorithm is RS256, whatever the token names', async () => {
  const unsecured = new UnsecuredJWT(claims()).encode();
  expect(await verifier.verify(`Bearer ${unsecured}`)).toBe('wrong-algorithm');
  const confused = await new SignJWT(claims())
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .sign(Buffer.from(google.publicKey.export({ type: 'spki', format: 'pem' })));
  expect(await verifier.verify(`Bearer ${confused}`)).toBe('wrong-algorithm');
  for (const alg of ['RS384', 'RS512', 'PS256'])
    expect(await refusalOf({}, { alg })).toBe('wrong-algorithm');
  stub.answer = () => ({ body: { keys: [{ ...shown('k1', curve.publicKey), alg: 'ES256' }] } });
  expect(await refusalOf({}, { alg: 'ES256' }, curve.privateKey)).toBe('wrong-algorithm');
  expect(stub.seen).toEqual([]);
});

test('a foreign key, a key without an id and a header with extensions are refused', async () => {
  expect(await refusalOf({}, {}, stranger.privateKey)).toBe('bad-signature');
  expect(await refusalOf({}, { kid: undefined })).toBe('unknown-key');
  // The key is included in the token itself.
  expect(
    await refusalOf({}, { jwk: stranger.publicKey.export({ format: 'jwk' }) }, stranger.privateKey),
  ).toBe('bad-signature');
});

test.each([
  '',
  'Basic x',
  'Bearer',
  'Bearer a.b',
  'Bearer a.b.c',
  `Bearer ${'a'.repeat(9_000)}.b.c`,
])('is not a token: %p', async (header) => {
  expect(await verifier.verify(header)).toMatch(/^(no|malformed)-token$/);
  expect(stub.seen).toEqual([]);
});

test('an unknown key causes a new request for the keys, at most every half minute', async () => {
  expect(await refusalOf()).toBeNull();
  const many = Array.from({ length: 50 }, (_, n) => refusalOf({}, { kid: `unknown-${n}` }));
  expect(new Set(await Promise.all(many))).toEqual(new Set(['unknown-key']));
  expect(stub.seen).toHaveLength(1);
  nowMs += 31_000;
  stub.answer = () => ({ body: { keys: [shown('k2')] } });
  expect(await Promise.all([refusalOf({}, { kid: 'k2' }), refusalOf({}, { kid: 'k3' })])).toEqual([
    null,
    'unknown-key',
  ]);
  expect(stub.seen).toHaveLength(2);
  expect(await refusalOf({}, { kid: 'k1' })).toBe('unknown-key');
});

test('known keys are used for a day while Google does not answer', async () => {
  expect(await refusalOf()).toBeNull();
  stub.answer = () => ({ status: 503 });
  nowMs += 23 * 3_600_000;
  expect(await refusalOf()).toBeNull();
  nowMs += 2 * 3_600_000;
  expect(await refusalOf()).toBe('keys-unavailable');
});

test('forged pushes without known keys are logged every half minute, with their number', async () => {
  stub.answer = () => ({ status: 503 });
  const forged = (): Promise<unknown> => refusalOf({}, { kid: 'k9' }, stranger.privateKey);
  for (let n = 0; n < 40; n++) expect(await forged()).toBe('keys-unavailable');
  expect(warnings).toMatchObject([{ event: 'certificates_unavailable', suppressed: 0 }]);
  nowMs += 31_000;
  await Promise.all(Array.from({ length: 20 }, forged));
  expect(warnings).toHaveLength(2);
  expect(warnings[1]).toMatchObject({ suppressed: 39 });
  expect(stub.seen).toHaveLength(2);
});

test.each<[string, unknown]>([
  ['no list of keys', { keys: 'k1' }],
  ['a list of nothing', { keys: [7] }],
  ['no JSON', '<html>'],
  ['more than keys can be', `{"keys":[${'['.repeat(300_000)}`],
  ['a key that is none', { keys: [{ kid: 'k1', kty: 'RSA', n: 'AQAB', e: '!' }] }],
])('unreadable keys give no decision: %s', async (_what, body) => {
  stub.answer = () => ({ body });
  expect(await refusalOf()).toBe('keys-unavailable');
});
