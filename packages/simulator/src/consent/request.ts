/** Reads an authorization request, and decides what Google would show for it. Pure. */
import { stateRefusal, type Client, type ClientRefusal } from '../clients.js';
import { canonicalScope, isGoogleScope } from './scopes.js';

/** A request that may continue to the choice of an account. */
export interface AuthorizationRequest {
  readonly client: Client;
  readonly redirectUri: string;
  /** Canonical names, each once. */
  readonly scopes: readonly string[];
  readonly state: string | null;
  readonly nonce: string | null;
  readonly offline: boolean;
  readonly prompts: readonly Prompt[];
  readonly loginHint: string | null;
  readonly challenge: Challenge | null;
  readonly includeGranted: boolean;
}

type Prompt = 'none' | 'consent' | 'select_account';
export interface Challenge {
  readonly method: 'plain' | 'S256';
  readonly value: string;
}

/** A page in place of a redirect: "Error 400: redirect_uri_mismatch". */
export interface PageError {
  readonly status: number;
  readonly code: string;
  readonly text: string;
}

export type Judged = { ok: true; request: AuthorizationRequest } | { ok: false; error: PageError };

/**
 * Judges the parameters of `/o/oauth2/v2/auth`. As long as client and redirect URI are not proven,
 * nothing is sent to the redirect URI; Google shows the other mistakes of a request as a page too.
 */
export function judge(query: URLSearchParams, clientOf: (id: string) => Client | null): Judged {
  const missing = REQUIRED.find((name) => (query.get(name) ?? '') === '');
  if (missing !== undefined)
    return refused(invalidRequest(`Missing required parameter: ${missing}`));
  const client = clientOf(query.get('client_id') as string);
  if (client === null) return refused(clientError('invalid_client'));
  const error =
    clientMistake(client, query) ?? parameterMistake(query) ?? scopeMistake(client, query);
  return error === null ? { ok: true, request: requestOf(client, query) } : refused(error);
}

const REQUIRED = ['client_id', 'redirect_uri', 'response_type', 'scope'];

function clientMistake(client: Client, query: URLSearchParams): PageError | null {
  const state = stateRefusal(client);
  if (state !== null) return clientError(state);
  const redirectUri = query.get('redirect_uri') as string;
  return client.redirectUris.includes(redirectUri)
    ? null
    : {
        status: 400,
        code: 'redirect_uri_mismatch',
        text: `You can't sign in because ${client.name} sent an invalid request. Register the redirect URI ${redirectUri} for the client.`,
      };
}

const CLIENT_TEXTS: Record<ClientRefusal, string> = {
  invalid_client: 'The OAuth client was not found.',
  deleted_client: 'The OAuth client was deleted.',
  disabled_client: 'The OAuth client was disabled.',
};

function clientError(code: ClientRefusal): PageError {
  return { status: 401, code, text: CLIENT_TEXTS[code] };
}

const VALUES: readonly (readonly [name: string, allowed: readonly string[]])[] = [
  ['response_type', ['code']],
  ['access_type', ['online', 'offline']],
  ['include_granted_scopes', ['true', 'false']],
  ['code_challenge_method', ['plain', 'S256']],
];
const PROMPTS: readonly string[] = ['none', 'consent', 'select_account'];
/** RFC 7636, section 4.2. */
const CHALLENGE = /^[A-Za-z0-9._~-]{43,128}$/;

function parameterMistake(query: URLSearchParams): PageError | null {
  for (const [name, allowed] of VALUES) {
    const value = query.get(name);
    if (value !== null && !allowed.includes(value))
      return invalidRequest(`Invalid parameter value for ${name}: ${value}`);
  }
  const prompts = words(query.get('prompt'));
  const unknown = prompts.find((one) => !PROMPTS.includes(one));
  if (unknown !== undefined || (prompts.includes('none') && prompts.length > 1))
    return invalidRequest(
      `Invalid parameter value for prompt: Invalid prompt: ${unknown ?? 'none'}`,
    );
  const challenge = query.get('code_challenge');
  if (challenge !== null && !CHALLENGE.test(challenge))
    return invalidRequest('Invalid parameter value for code_challenge');
  return query.has('code_challenge_method') && challenge === null
    ? invalidRequest('code_challenge_method needs a code_challenge')
    : null;
}

function scopeMistake(client: Client, query: URLSearchParams): PageError | null {
  const scopes = scopesOf(query);
  const invalid = scopes.filter(
    (scope) => !isGoogleScope(scope) || client.scopes?.includes(scope) === false,
  );
  return invalid.length === 0
    ? null
    : {
        status: 400,
        code: 'invalid_scope',
        text: `Some requested scopes were invalid. {invalid=[${invalid.join(', ')}]}`,
      };
}

function requestOf(client: Client, query: URLSearchParams): AuthorizationRequest {
  const challenge = query.get('code_challenge');
  return {
    client,
    redirectUri: query.get('redirect_uri') as string,
    scopes: scopesOf(query),
    state: query.get('state'),
    nonce: query.get('nonce'),
    offline: query.get('access_type') === 'offline',
    prompts: words(query.get('prompt')) as Prompt[],
    loginHint: query.get('login_hint') || null,
    challenge:
      challenge === null
        ? null
        : {
            method: query.get('code_challenge_method') === 'S256' ? 'S256' : 'plain',
            value: challenge,
          },
    includeGranted: query.get('include_granted_scopes') === 'true',
  };
}

/** Google adds `openid` to the short names of the identity. */
function scopesOf(query: URLSearchParams): string[] {
  const asked = words(query.get('scope'));
  const short = asked.includes('email') || asked.includes('profile');
  return [...new Set([...asked.map(canonicalScope), ...(short ? ['openid'] : [])])];
}

function words(text: string | null): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

function invalidRequest(text: string): PageError {
  return { status: 400, code: 'invalid_request', text };
}

function refused(error: PageError): Judged {
  return { ok: false, error };
}

/** A person as far as clients and administrators distinguish people. */
export interface Person {
  readonly email: string;
  readonly suspended: boolean;
}

/** Returns the page for a person who must not consent to this client, or null. */
export function personRefusal(client: Client, person: Person): PageError | null {
  const domain = domainOf(person.email);
  if (person.suspended)
    return { status: 403, code: 'account_disabled', text: 'This account is suspended.' };
  if (client.blockedDomains.includes(domain))
    return {
      status: 400,
      code: 'admin_policy_enforced',
      text: `Access to your account data is restricted by policies within your organization. Ask the administrator of ${domain} to allow the client ${client.id}.`,
    };
  if (client.mode === 'internal' && domain !== client.domain)
    return {
      status: 403,
      code: 'org_internal',
      text: 'This client is restricted to users within its organization.',
    };
  if (client.mode === 'testing' && !client.testUsers.includes(person.email))
    return {
      status: 403,
      code: 'access_denied',
      text: `${client.name} has not completed the Google verification process. The app is currently being tested, and can only be accessed by developer-approved testers.`,
    };
  return null;
}

export function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1);
}
