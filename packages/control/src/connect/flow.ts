/** A person's way through the connect page: the link, Google's consent, and the way back. */
import type { ConnectOutcome } from '@syncline/contract/connect-outcomes';
import type { ConsentAnswer } from '@syncline/google/consent';
import { unreachable, type Runtime } from '@syncline/runtime';
import type { ConnectSessionRow, Resource } from '@syncline/store';
import { masked } from '@syncline/sync';
import { CONSENTS } from '../resources/index.js';
import { askedFor, scopesFor } from './grant.js';
import { ownAccount, useGrant, type GrantDeps } from './outcome.js';
import { hashOf, isSameHash, isSecretForm, newSecret } from './secrets.js';
import { outcomeOf, type ConnectSettings } from './sessions.js';

export interface FlowDeps extends GrantDeps {
  settings: ConnectSettings;
}

/** Whoever opens a page: by the link, or by the session's id with the browser's cookie. */
export type Access = { link: string } | { sessionId: string };

/** The cookie of a session; undefined: the browser has none. */
export type CookieOf = (sessionId: string) => string | undefined;

/** What a page shows. */
export type View =
  | { kind: 'unknown-link' }
  | { kind: 'other-browser'; session: ConnectSessionRow }
  /** The session has connected an account in another browser. */
  | { kind: 'used'; session: ConnectSessionRow }
  /** This browser has begun as often as it may. */
  | { kind: 'too-many-attempts'; session: ConnectSessionRow }
  /** @property account masked; null: any */
  | {
      kind: 'start';
      session: ConnectSessionRow;
      asked: Asked[];
      account: string | null;
      clientId: string;
    }
  | {
      kind: 'outcome';
      session: ConnectSessionRow;
      outcome: ConnectOutcome;
      missing: Asked[];
      clientId: string;
    };

/** A resource in the words for the person. */
export interface Asked {
  title: string;
  reads: string;
}

export type Begun =
  | { kind: 'redirect'; url: string; session: ConnectSessionRow; cookie: string; lifeMs: number }
  | Exclude<View, { kind: 'start' }>;

export type Returned =
  | { kind: 'done'; session: ConnectSessionRow; outcome: ConnectOutcome }
  /** Nothing has changed. */
  | { kind: 'refused'; why: CallbackRefusal; session: ConnectSessionRow | null }
  | { kind: 'expired'; session: ConnectSessionRow };

type CallbackRefusal = 'no-state' | 'unknown-state' | 'other-browser';

/** How long a person may take on Google's page. */
const ATTEMPT_TTL_MS = 600_000;
const STATE_LIMIT = 200;

/** Returns what the page shows. Changes nothing, so a preview does not use the link up. */
export async function viewOf(deps: FlowDeps, access: Access, cookieOf: CookieOf): Promise<View> {
  const session = await sessionOf(deps, access);
  if (session === null) return { kind: 'unknown-link' };
  if (session.browserHash === null && 'sessionId' in access) return { kind: 'unknown-link' };
  if (session.browserHash !== null && !isOwnBrowser(session, cookieOf))
    return { kind: session.state === 'connected' ? 'used' : 'other-browser', session };
  const clientId = deps.consent.clientId(session.project);
  const outcome = shownOutcome(session);
  if (outcome === null) return { ...(await startOf(deps, session)), clientId };
  return { kind: 'outcome', session, outcome, missing: inWords(session.missing), clientId };
}

/** Returns null while the person may still begin or come back. */
function shownOutcome(session: ConnectSessionRow): ConnectOutcome | null {
  if (session.isExpired) return outcomeOf(session);
  return session.state === 'open' ? null : outcomeOf(session);
}

async function sessionOf(
  { store: { connectSessions } }: FlowDeps,
  access: Access,
): Promise<ConnectSessionRow | null> {
  if ('sessionId' in access) return connectSessions.find(access.sessionId);
  return isSecretForm(access.link) ? connectSessions.byLink(hashOf(access.link)) : null;
}

function isOwnBrowser(session: ConnectSessionRow, cookieOf: CookieOf): boolean {
  const cookie = cookieOf(session.id);
  return isSecretForm(cookie) && isSameHash(session.browserHash, hashOf(cookie));
}

async function startOf(
  { store }: FlowDeps,
  session: ConnectSessionRow,
): Promise<Omit<Extract<View, { kind: 'start' }>, 'clientId'>> {
  const own = ownAccount(session);
  const known = own && (await store.grantChecks.known(own));
  return {
    kind: 'start',
    session,
    asked: inWords(askedFor(session.resources, known ? known.resources : [])),
    account: known ? masked(known.email) : null,
  };
}

function inWords(resources: readonly Resource[]): Asked[] {
  return resources.map((resource) => CONSENTS[resource]);
}

/** Binds the session to the browser, and returns the address of Google's page. */
export async function begin(
  rt: Runtime,
  deps: FlowDeps,
  access: Access,
  cookieOf: CookieOf,
): Promise<Begun> {
  const view = await viewOf(deps, access, cookieOf);
  if (view.kind !== 'start' && !(view.kind === 'outcome' && mayTryAgain(view))) {
    await noteRefusedStart(deps, view);
    return view;
  }
  const { session } = view;
  const account = ownAccount(session);
  const known = account && (await deps.store.grantChecks.known(account));
  // An account that was refused for too few boxes has resources that the link does not name.
  const requested = [...session.resources, ...session.missing];
  const asked = askedFor(requested, known ? known.resources : []);
  const { url, state, secrets } = await deps.consent.begin({
    project: session.project,
    redirectUri: redirectUri(deps.settings),
    scopes: scopesFor(asked),
    loginHint: known ? (known.googleSub ?? known.email) : null,
  });
  // The page has set it, so that both requests of a double click bring the same one.
  const own = cookieOf(session.id);
  const cookie = isSecretForm(own) ? own : newSecret();
  await deps.store.keys.beforeSealing();
  const begun = await deps.store.connectSessions.begin(session.id, {
    browserHash: hashOf(cookie),
    stateHash: hashOf(state),
    sealed: deps.store.vault.sealAttempt(session, JSON.stringify(secrets)),
  });
  if (begun) return { kind: 'redirect', url, session, cookie, lifeMs: lifeOf(rt, session) };
  const now = await viewOf(deps, access, cookieOf);
  return now.kind === 'start' || now.kind === 'outcome'
    ? { kind: 'too-many-attempts', session }
    : now;
}

/** Returns a new cookie for a page from which a browser may begin; null where it has one. */
export function cookieFor(
  rt: Pick<Runtime, 'clock'>,
  view: View,
  cookieOf: CookieOf,
): { sessionId: string; secret: string; lifeMs: number } | null {
  if (view.kind !== 'start' || isSecretForm(cookieOf(view.session.id))) return null;
  const { session } = view;
  return { sessionId: session.id, secret: newSecret(), lifeMs: lifeOf(rt, session) };
}

function lifeOf({ clock }: Pick<Runtime, 'clock'>, { expiresAt }: ConnectSessionRow): number {
  return expiresAt.getTime() - clock.nowMs();
}

/** Notes a start from another browser. The other refused starts are only late. */
async function noteRefusedStart({ store }: FlowDeps, view: View): Promise<void> {
  if (view.kind !== 'other-browser' && view.kind !== 'used') return;
  const { session } = view;
  await store.connectSessions.note({ outcome: 'start-refused', session, reason: 'other-browser' });
}

/** Writes to the audit log that another site's page has sent the form. */
export async function refuseForeignForm(deps: FlowDeps, access: Access): Promise<void> {
  const session = await sessionOf(deps, access);
  await deps.store.connectSessions.note({
    outcome: 'start-refused',
    session,
    reason: 'other-site',
  });
}

/** Whether the session can be used for another attempt. */
export function mayTryAgain({ session }: { session: ConnectSessionRow }): boolean {
  return !session.isExpired && (session.state !== 'connected' || session.missing.length > 0);
}

function redirectUri({ publicUrl }: ConnectSettings): string {
  return `${publicUrl()}/connect/callback`;
}

/** Takes what the browser has brought back from Google. */
export async function takeCallback(
  rt: Runtime,
  deps: FlowDeps,
  query: URLSearchParams,
  cookieOf: CookieOf,
): Promise<Returned> {
  const { connectSessions, vault } = deps.store;
  const [state, ...others] = query.getAll('state');
  if (state === undefined || others.length > 0 || state.length > STATE_LIMIT)
    return refused('no-state', null);
  const session = await connectSessions.byState(hashOf(state));
  if (session === null) return refused('unknown-state', null);
  if (!isOwnBrowser(session, cookieOf)) return refused('other-browser', session);
  const sealed = await connectSessions.take(hashOf(state), ATTEMPT_TTL_MS);
  const secrets = sealed && vault.openAttempt(session, sealed);
  if (secrets === null) {
    await connectSessions.note({ outcome: 'expired', session, reason: 'state-expired' });
    return { kind: 'expired', session };
  }
  const returnedTo = new URL(redirectUri(deps.settings));
  returnedTo.search = query.toString();
  const answer = await deps.consent.finish({
    project: session.project,
    returnedTo,
    state,
    secrets: JSON.parse(secrets) as { nonce: string; verifier: string },
  });
  return { kind: 'done', session, outcome: await outcomeFrom(rt, deps, session, answer) };
}

/** Writes to the audit log that a callback was refused. */
export async function noteRefusedCallback(
  { store }: FlowDeps,
  { session, why }: Extract<Returned, { kind: 'refused' }>,
): Promise<void> {
  await store.connectSessions.note({ outcome: 'callback-refused', session, reason: why });
}

function refused(why: CallbackRefusal, session: ConnectSessionRow | null): Returned {
  return { kind: 'refused', why, session };
}

async function outcomeFrom(
  rt: Runtime,
  deps: FlowDeps,
  session: ConnectSessionRow,
  answer: ConsentAnswer,
): Promise<ConnectOutcome> {
  const fail = async (outcome: ConnectOutcome, reason: string | null): Promise<ConnectOutcome> => {
    const { subject } = session;
    await deps.store.connectSessions.fail(session, { outcome, subject, reason });
    return outcome;
  };
  switch (answer.kind) {
    case 'granted':
      return useGrant(rt, deps, session, answer);
    case 'cancelled':
      return fail('cancelled', null);
    case 'blocked':
      return fail('blocked', answer.reason);
    case 'refused':
      rt.log.warn(
        { event: 'connect_answer_refused', session: session.id, reason: answer.reason },
        'what came back from the consent page could not be verified; nothing was connected',
      );
      return fail('answer-refused', answer.reason);
    case 'unavailable':
      return fail('google-unavailable', answer.reason);
    default:
      return unreachable(answer);
  }
}
