/**
 * Google's consent (`@syncline/google/consent`): the authorization-code flow with PKCE, `state` and
 * `nonce`, by openid-client. It verifies the identity token with Google's keys. Requests go through
 * this package's transport, with its limits and its proxy.
 */
import type { GoogleProxy } from '@syncline/runtime';
import * as client from 'openid-client';
import type { AnyMethod } from './answer-limits.js';
import { GoogleError } from './errors.js';
import { originsFor, type Origins } from './origins.js';
import { addressOrNull } from './shape.js';
import { openTransport, type Transport } from './transport.js';

export interface ConsentOptions {
  /** One origin that replaces Google's; null for Google. */
  apiUrl: string | null;
  /** The proxy to Google; null, the default, for a direct connection. */
  proxy?: GoogleProxy | null;
  /** The OAuth client of each Google project, by its name. */
  clients: ReadonlyMap<string, { clientId: string; clientSecret: string }>;
}

/** The secrets of one authorization request. */
export interface ConsentSecrets {
  nonce: string;
  verifier: string;
}

/** What a person has granted. */
export interface Granted {
  kind: 'granted';
  /** From the verified identity token. */
  owner: { sub: string; address: string };
  scopes: string[];
  /** Null: Google gave no lasting permission. */
  refreshToken: string | null;
  accessToken: string;
}

export type ConsentAnswer =
  | Granted
  /** The person cancelled. */
  | { kind: 'cancelled' }
  /** An administrator or the project's settings forbid it. @property reason Google's code */
  | { kind: 'blocked'; reason: string }
  /** The answer is not Google's, or not that of this request. @property reason a code */
  | { kind: 'refused'; reason: string }
  /** @property reason a code */
  | { kind: 'unavailable'; reason: string };

export interface Consent {
  /** The origin of Google's pages, as the browser sees it. */
  readonly origin: string;
  /** Whether this project has an OAuth client. */
  hasProject(project: string): boolean;
  clientId(project: string): string;
  /**
   * Returns the address of Google's consent page, with its fresh secrets.
   * @param loginHint an address or a `sub`; null: the person chooses
   */
  begin(o: {
    project: string;
    redirectUri: string;
    scopes: readonly string[];
    loginHint: string | null;
  }): Promise<{ url: string; state: string; secrets: ConsentSecrets }>;
  /**
   * Exchanges the code, once: a code is not repeated.
   * @param returnedTo the redirect address with the query that the browser brought
   */
  finish(o: {
    project: string;
    returnedTo: URL;
    state: string;
    secrets: ConsentSecrets;
  }): Promise<ConsentAnswer>;
  /** Revokes what was granted. @returns false when Google did not answer */
  revoke(project: string, token: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Google's discovery document; a configured origin replaces the hosts when a request is sent. */
const SERVER: client.ServerMetadata = {
  issuer: 'https://accounts.google.com',
  authorization_endpoint: 'https://accounts.google.com/o/oauth2/v2/auth',
  token_endpoint: 'https://oauth2.googleapis.com/token',
  revocation_endpoint: 'https://oauth2.googleapis.com/revoke',
  jwks_uri: 'https://www.googleapis.com/oauth2/v3/certs',
  id_token_signing_alg_values_supported: ['RS256'],
};

const TIMEOUT_S = 10;
/** The scopes with which Google names the owner of the grant. */
const IDENTITY_SCOPES = ['openid', 'email'];

export function openConsent({ apiUrl, proxy, clients }: ConsentOptions): Consent {
  const origins = originsFor(apiUrl);
  const transport = openTransport(proxy);
  const configurations = new Map(
    [...clients].map(([project, own]) => [project, configurationOf(transport, origins, own)]),
  );
  const configurationFor = (project: string): client.Configuration => {
    const configuration = configurations.get(project);
    if (configuration === undefined) throw new Error(`no OAuth client of the project ${project}`);
    return configuration;
  };
  return {
    origin: origins.accounts,
    hasProject: (project) => configurations.has(project),
    clientId: (project) => configurationFor(project).clientMetadata().client_id,
    begin: (o) => begin(configurationFor(o.project), origins, o),
    finish: (o) => finish(configurationFor(o.project), o),
    revoke: (project, token) => revoke(configurationFor(project), token),
    close: () => transport.close(),
  };
}

function configurationOf(
  transport: Transport,
  origins: Origins,
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
): client.Configuration {
  const configuration = new client.Configuration(
    SERVER,
    clientId,
    { client_id: clientId, id_token_signed_response_alg: 'RS256' },
    client.ClientSecretPost(clientSecret),
  );
  configuration.timeout = TIMEOUT_S;
  configuration[client.customFetch] = (url, options) => send(transport, origins, url, options);
  client.enableNonRepudiationChecks(configuration);
  return configuration;
}

async function begin(
  configuration: client.Configuration,
  origins: Origins,
  {
    redirectUri,
    scopes,
    loginHint,
  }: { redirectUri: string; scopes: readonly string[]; loginHint: string | null },
): Promise<{ url: string; state: string; secrets: ConsentSecrets }> {
  const secrets = { nonce: client.randomNonce(), verifier: client.randomPKCECodeVerifier() };
  const state = client.randomState();
  // `include_granted_scopes` is left out: an older grant with gmail.metadata would join this one
  // and take the bodies of messages away.
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope: [...IDENTITY_SCOPES, ...scopes].join(' '),
    access_type: 'offline',
    prompt: loginHint === null ? 'select_account consent' : 'consent',
    ...(loginHint === null ? {} : { login_hint: loginHint }),
    state,
    nonce: secrets.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(secrets.verifier),
    code_challenge_method: 'S256',
  });
  return { url: `${origins.accounts}${url.pathname}${url.search}`, state, secrets };
}

async function finish(
  configuration: client.Configuration,
  { returnedTo, state, secrets }: { returnedTo: URL; state: string; secrets: ConsentSecrets },
): Promise<ConsentAnswer> {
  try {
    const answer = await client.authorizationCodeGrant(configuration, returnedTo, {
      expectedState: state,
      expectedNonce: secrets.nonce,
      pkceCodeVerifier: secrets.verifier,
      idTokenExpected: true,
    });
    return grantOf(answer);
  } catch (error) {
    return answerToError(error);
  }
}

function grantOf(
  answer: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers,
): ConsentAnswer {
  const claims = answer.claims();
  const address = claims?.['email_verified'] === true ? addressOrNull(claims['email']) : null;
  if (claims === undefined || address === null)
    return { kind: 'refused', reason: 'address-not-verified' };
  return {
    kind: 'granted',
    owner: { sub: claims.sub, address },
    scopes: (answer.scope ?? '').split(' ').filter(Boolean),
    refreshToken: answer.refresh_token ?? null,
    accessToken: answer.access_token,
  };
}

/** The errors by which an administrator or the project's settings forbid the consent. */
const BLOCKED: ReadonlySet<string> = new Set([
  'admin_policy_enforced',
  'org_internal',
  'disallowed_useragent',
  'unauthorized_client',
]);
const UNAVAILABLE: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable']);

function answerToError(error: unknown): ConsentAnswer {
  if (error instanceof client.AuthorizationResponseError) return ofRedirect(error.error);
  if (error instanceof client.ResponseBodyError) {
    const reason = codeOf(error.error);
    // The operator can correct a refused client, after which the person may try again.
    return error.status >= 500 || error.status === 429 || reason === 'invalid_client'
      ? { kind: 'unavailable', reason }
      : { kind: 'refused', reason };
  }
  if (isUnanswered(error)) return { kind: 'unavailable', reason: 'no-answer' };
  if (error instanceof client.ClientError)
    return { kind: 'refused', reason: codeOf(error.code ?? 'client-error') };
  throw error;
}

function ofRedirect(error: string): ConsentAnswer {
  if (error === 'access_denied') return { kind: 'cancelled' };
  if (BLOCKED.has(error)) return { kind: 'blocked', reason: error };
  if (UNAVAILABLE.has(error)) return { kind: 'unavailable', reason: error };
  return { kind: 'refused', reason: codeOf(error) };
}

/** Anybody can write any text into the redirect's address; only codes reach logs and tables. */
function codeOf(text: string): string {
  return /^[A-Za-z0-9_.-]{1,60}$/.test(text) ? text.toLowerCase().replaceAll('_', '-') : 'unknown';
}

/** No complete answer arrived: no bytes, an error page, a body that was cut off. */
const NO_ANSWER: ReadonlySet<unknown> = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
]);
const CAUSES_LIMIT = 5;

function isUnanswered(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; depth < CAUSES_LIMIT && cause instanceof Error; depth += 1) {
    if (cause instanceof GoogleError || cause.name === 'TimeoutError') return true;
    cause = cause.cause;
  }
  return error instanceof client.ClientError && NO_ANSWER.has(error.code);
}

async function revoke(configuration: client.Configuration, token: string): Promise<boolean> {
  try {
    await client.tokenRevocation(configuration, token);
    return true;
  } catch (error) {
    // Google answers 400 for a token that has ended already.
    if (error instanceof client.ResponseBodyError) return true;
    if (error instanceof client.ClientError) return false;
    throw error;
  }
}

/** Google's method behind each address that openid-client requests. */
const REQUESTS = new Map<string | undefined, { method: AnyMethod; of: keyof Origins }>([
  [SERVER.token_endpoint, { method: 'oauth2.token', of: 'oauth' }],
  [SERVER.revocation_endpoint, { method: 'oauth2.revoke', of: 'oauth' }],
  [SERVER.jwks_uri, { method: 'oauth2.certs', of: 'certificates' }],
]);

async function send(
  transport: Transport,
  origins: Origins,
  url: string,
  { method: verb, headers, body, signal }: client.CustomFetchOptions,
): Promise<Response> {
  const request = REQUESTS.get(url);
  if (request === undefined) throw new Error('openid-client requests an address that is not known');
  const {
    status,
    contentType,
    body: bytes,
  } = await transport.exchange({
    method: request.method,
    origin: origins[request.of],
    verb: verb === 'POST' ? 'POST' : 'GET',
    path: new URL(url).pathname,
    headers,
    ...(body instanceof URLSearchParams ? { body: body.toString() } : {}),
    signal,
  });
  return new Response(new Uint8Array(bytes), {
    status,
    headers: { 'content-type': contentType },
  });
}
