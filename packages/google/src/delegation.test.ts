import { classifyDelegated, delegatedScopes, type DelegatedGrant } from './delegation.js';
import { GoogleError } from './errors.js';

const READ = 'https://www.googleapis.com/auth/gmail.readonly';
const GRANT: DelegatedGrant = {
  kind: 'delegated',
  key: { email: 'sa@project.iam.gserviceaccount.com', keyId: 'k1', privateKey: 'secret-key' },
  clientId: '109',
  subject: 'ann@acme.example',
  sub: null,
  scopes: [READ],
  version: 1,
};
const refusal = (status: number, error: string, description = '') =>
  classifyDelegated(status, JSON.stringify({ error, error_description: description }), GRANT);

test.each([
  [401, 'unauthorized_client', 'Client is unauthorized …', 'delegation_not_allowed'],
  [400, 'invalid_grant', 'Invalid JWT Signature.', 'delegation_key_refused'],
  [400, 'invalid_grant', 'Invalid JWT: No valid verifier found', 'delegation_key_refused'],
  [401, 'invalid_client', 'The OAuth client was not found.', 'delegation_key_refused'],
  [400, 'invalid_grant', 'Invalid email or User ID', 'delegated_user_refused'],
  [400, 'invalid_grant', 'Invalid grant: account not found', 'delegation_key_refused'],
  [400, 'invalid_request', 'Invalid impersonation prn email address.', 'delegated_user_refused'],
])('%i %s "%s" is %s', (status, error, description, reason) => {
  expect(refusal(status, error, description)).toMatchObject({
    kind: 'unauthorized',
    reason,
    advice: expect.any(String),
  });
});

test('a clock that is wrong, and a server that fails, refuse no account', () => {
  const early =
    'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.';
  expect(refusal(400, 'invalid_grant', early)).toMatchObject({
    kind: 'unavailable',
    why: expect.stringContaining('clock'),
  });
  expect(refusal(503, 'unauthorized_client')).toMatchObject({ kind: 'unavailable' });
});

test('a client that is not allowed is answered with what is to be entered', () => {
  const detail = refusal(401, 'unauthorized_client');
  expect(detail).toMatchObject({
    advice: expect.stringContaining(`client id 109 `),
  });
  expect(JSON.stringify(detail)).toContain(delegatedScopes([READ]).join(','));
});

test('no text names the user, the service account or the key', () => {
  for (const error of ['unauthorized_client', 'invalid_client', 'invalid_grant']) {
    const detail = refusal(400, error, `Invalid email or User ID: ${GRANT.subject}`);
    const text = JSON.stringify(detail) + new GoogleError('oauth2.token', detail).message;
    expect(text).not.toMatch(/ann@|sa@|secret-key/);
  }
});
