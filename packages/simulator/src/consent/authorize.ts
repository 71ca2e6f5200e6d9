/**
 * The authorization endpoint and its pages (accounts.google.com): choose an account, tick boxes,
 * return to the client with a code.
 */
import type { Reply } from '../http/reply.js';
import { REDIRECT } from '../http/reply.js';
import type { Sim } from '../sim.js';
import type { Account } from '../world.js';
import type { TokenFaults } from './codes.js';
import { ACCOUNT_PATH, chooserPage, CONSENT_PATH, consentPage, errorPage } from './pages.js';
import { domainOf, judge, personRefusal, type AuthorizationRequest } from './request.js';
import type { ConsentScript } from './scripts.js';
import { isIdentityScope, scopesInRedirect } from './scopes.js';

const AUTHORIZATION_PATH = '/o/oauth2/v2/auth';
export const ISSUER = 'https://accounts.google.com';
/** An external app in testing: refresh tokens for more than the profile end after seven days. */
const TESTING_LIFETIME_MS = 7 * 86_400_000;

export function isConsentPath(path: string): boolean {
  return [AUTHORIZATION_PATH, ACCOUNT_PATH, CONSENT_PATH].includes(path);
}

/**
 * Serves the endpoint and the forms of its pages.
 * @param parameters of the query for a GET, of the form for a POST
 */
export function serveConsent(sim: Sim, path: string, parameters: URLSearchParams): Reply {
  if (path === AUTHORIZATION_PATH) return begin(sim, parameters);
  const ticket = parameters.get('request') ?? '';
  const pending = sim.authorizations.get(ticket);
  if (pending === null)
    return errorPage({
      status: 400,
      code: 'invalid_request',
      text: 'This request is unknown or has expired. Go back to the app and begin again.',
    });
  return path === ACCOUNT_PATH
    ? onAccount(sim, ticket, pending.request, parameters.get('email') ?? '')
    : onDecision(sim, ticket, pending, parameters);
}

function begin(sim: Sim, query: URLSearchParams): Reply {
  const judged = judge(query, (id) => sim.clients.get(id));
  if (!judged.ok) return errorPage(judged.error);
  const { request } = judged;
  const hinted = hintedAccount(sim, request);
  if (request.prompts.includes('none')) return silently(sim, request, hinted);
  const script = sim.consentScripts.next(request.client.id);
  if (script !== null) return byScript(sim, request, script, hinted);
  const ticket = sim.authorizations.add({ request, email: null });
  if (hinted !== null && !request.prompts.includes('select_account'))
    return onAccount(sim, ticket, request, hinted.email);
  const emails = sim.world.all().map(({ email }) => email);
  return chooserPage(ticket, request.client.name, emails, request.loginHint);
}

/** `login_hint` is an address or a `sub`. */
function hintedAccount(sim: Sim, { loginHint }: AuthorizationRequest): Account | null {
  if (loginHint === null) return null;
  return sim.world.get(loginHint) ?? sim.world.all().find(({ sub }) => sub === loginHint) ?? null;
}

/** `prompt=none`: Google shows nothing, and answers only what has been approved before. */
function silently(sim: Sim, request: AuthorizationRequest, account: Account | null): Reply {
  if (account === null || refusalOf(sim, request, account) !== null)
    return backWithError(request, 'interaction_required');
  return toAsk(sim, request, account).length > 0
    ? backWithError(request, 'interaction_required')
    : approved(sim, request, account, request.scopes);
}

function byScript(
  sim: Sim,
  request: AuthorizationRequest,
  { email, allow, cancel, token }: ConsentScript,
  hinted: Account | null,
): Reply {
  const account = email === null ? hinted : sim.world.get(email);
  if (account === null)
    return errorPage({
      status: 400,
      code: 'invalid_script',
      text: `The scripted consent names no account of this simulator: ${email ?? 'it has no email, and the request has no known login_hint'}.`,
    });
  const refusal = refusalOf(sim, request, account);
  if (refusal !== null) return refusal;
  if (cancel) return backWithError(request, 'access_denied');
  const ticked = allow === 'all' ? request.scopes : allow;
  return decided(sim, request, account, ticked, token);
}

function onAccount(sim: Sim, ticket: string, request: AuthorizationRequest, email: string): Reply {
  const account = sim.world.get(email.trim());
  if (account === null)
    return errorPage({
      status: 400,
      code: 'unknown_account',
      text: 'Couldn’t find your Google Account.',
    });
  const refusal = refusalOf(sim, request, account);
  if (refusal !== null) return refusal;
  sim.authorizations.put(ticket, { request, email: account.email });
  const scopes = toAsk(sim, request, account);
  if (scopes.length === 0 && !asksAgain(request) && isApproved(sim, request, account)) {
    sim.authorizations.end(ticket);
    return approved(sim, request, account, request.scopes);
  }
  return consentPage({
    ticket,
    clientName: request.client.name,
    email: account.email,
    scopes,
    ticked: false,
  });
}

function refusalOf(sim: Sim, { client }: AuthorizationRequest, account: Account): Reply | null {
  const error = personRefusal(client, {
    email: account.email,
    suspended: sim.grants.isSuspended(account.key),
  });
  return error === null ? null : errorPage(error);
}

/** The scopes that the page asks for: all with prompt=consent, otherwise the new ones. */
function toAsk(sim: Sim, request: AuthorizationRequest, account: Account): readonly string[] {
  const boxes = request.scopes.filter((scope) => !isIdentityScope(scope));
  if (asksAgain(request)) return boxes;
  const { scopes } = sim.grants.approvals.of(account.key, request.client.id);
  return boxes.filter((scope) => !scopes.has(scope));
}

function asksAgain({ prompts }: AuthorizationRequest): boolean {
  return prompts.includes('consent');
}

function isApproved(sim: Sim, request: AuthorizationRequest, account: Account): boolean {
  const { scopes } = sim.grants.approvals.of(account.key, request.client.id);
  return request.scopes.every((scope) => scopes.has(scope));
}

function onDecision(
  sim: Sim,
  ticket: string,
  { request, email }: { request: AuthorizationRequest; email: string | null },
  form: URLSearchParams,
): Reply {
  const account = email === null ? null : sim.world.get(email);
  if (account === null)
    return errorPage({ status: 400, code: 'invalid_request', text: 'Choose an account first.' });
  const refusal = refusalOf(sim, request, account);
  if (refusal !== null) return refusal;
  const asked = toAsk(sim, request, account);
  if (form.get('decision') === 'select-all')
    return consentPage({
      ticket,
      clientName: request.client.name,
      email: account.email,
      scopes: asked,
      ticked: true,
    });
  sim.authorizations.end(ticket);
  if (form.get('decision') !== 'continue') return backWithError(request, 'access_denied');
  return decided(sim, request, account, asked.length === 1 ? asked : form.getAll('scope'), {});
}

/** Grants the ticked scopes, those of the identity, and those for which nothing was asked. */
function decided(
  sim: Sim,
  request: AuthorizationRequest,
  account: Account,
  ticked: readonly string[],
  token: TokenFaults,
): Reply {
  const asked = toAsk(sim, request, account);
  const scopes = request.scopes.filter((scope) => !asked.includes(scope) || ticked.includes(scope));
  return scopes.length === 0
    ? backWithError(request, 'access_denied')
    : approved(sim, request, account, scopes, token);
}

function approved(
  sim: Sim,
  request: AuthorizationRequest,
  account: Account,
  scopes: readonly string[],
  tokenFaults: TokenFaults = {},
): Reply {
  const { client } = request;
  const { approvals } = sim.grants;
  const before = approvals.of(account.key, client.id);
  const granted = request.includeGranted ? [...new Set([...scopes, ...before.scopes])] : scopes;
  const withRefreshToken = request.offline && (!before.offline || asksAgain(request));
  const isTesting = client.mode === 'testing' && !granted.every(isIdentityScope);
  approvals.add(account.key, client.id, scopes, withRefreshToken);
  const code = sim.codes.issue({
    person: account.key,
    client: client.id,
    redirectUri: request.redirectUri,
    scopes: granted,
    nonce: request.nonce,
    challenge: request.challenge,
    withRefreshToken,
    lifetimeMs: isTesting ? TESTING_LIFETIME_MS : null,
    tokenFaults,
  });
  return back(request, {
    code,
    scope: scopesInRedirect(granted),
    authuser: '0',
    ...hostedDomain(account.email),
    prompt: request.prompts.join(' ') || 'none',
  });
}

/** The domain of a Workspace account; people of gmail.com have none. */
export function hostedDomain(email: string): { hd?: string } {
  const domain = domainOf(email);
  return ['gmail.com', 'googlemail.com'].includes(domain) ? {} : { hd: domain };
}

function backWithError(request: AuthorizationRequest, error: string): Reply {
  return back(request, { error });
}

function back({ redirectUri, state }: AuthorizationRequest, more: Record<string, string>): Reply {
  const url = new URL(redirectUri);
  const parameters = { ...(state === null ? {} : { state }), iss: ISSUER, ...more };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value);
  return { ...REDIRECT, headers: { Location: url.href } };
}
