/**
 * Serves the connect pages: a link, the page of its session, and the address to which Google
 * returns. Callers have no key: the link's secret and the browser's cookie identify them.
 */
import {
  begin,
  cookieFor,
  noteRefusedCallback,
  refuseForeignForm,
  returnAddress,
  takeCallback,
  viewOf,
  type Access,
  type CookieOf,
  type FlowDeps,
  type Returned,
  type View,
} from '@syncline/control/connect';
import type { ConnectOutcome } from '@syncline/contract/connect-outcomes';
import { unreachable, type Runtime } from '@syncline/runtime';
import type { Request, RequestHandler, Response } from 'express';
import { exactPath } from '../exact-routes.js';
import type { RateLimits } from '../v1/rate-limit.js';
import { cookiesOf, setCookie } from './cookies.js';
import { documentOf, headersOf, type Page } from './html.js';
import { failedPage, foreignPage, pageOf, refusedPage, tooManyPage } from './pages.js';

export interface ConnectDeps extends FlowDeps {
  limits: Pick<RateLimits, 'failed'>;
}

const CALLBACK = '/connect/callback';
/** Google's answers are far shorter. */
const QUERY_LIMIT = 8_192;

/** A request, its response and its cookies. */
interface Visit {
  request: Request;
  response: Response;
  cookieOf: CookieOf;
}

/** Answers the paths below `/connect/`. */
export function connectRoutes(rt: Runtime, deps: ConnectDeps): RequestHandler {
  return async (request, response, next) => {
    const target = targetOf(exactPath(request));
    if (target === null) return next();
    const cookieOf = cookiesOf(request.headers.cookie, deps.settings.publicUrl());
    const visit = { request, response, cookieOf };
    try {
      await answer(rt, deps, visit, target);
    } catch (error) {
      rt.log.error(
        { event: 'connect_page_failed', err: error },
        'a connect page could not be served',
      );
      if (!response.headersSent) send(visit, failedPage({ app: deps.settings.appName }));
    }
  };
}

type Target = 'callback' | Access;

/** Returns null for other paths. */
function targetOf(path: string): Target | null {
  if (path === CALLBACK) return 'callback';
  const sessionId = /^\/connect\/sessions\/(cs_[0-9a-f]{32})$/.exec(path)?.[1];
  if (sessionId !== undefined) return { sessionId };
  const link = /^\/connect\/([^/]+)$/.exec(path)?.[1];
  return link === undefined ? null : { link };
}

async function answer(rt: Runtime, deps: ConnectDeps, visit: Visit, target: Target): Promise<void> {
  const { method } = visit.request;
  if (method === 'GET' || method === 'HEAD')
    return target === 'callback' ? callback(rt, deps, visit) : show(rt, deps, visit, target);
  if (method === 'POST' && target !== 'callback') return start(rt, deps, visit, target);
  const allowed = target === 'callback' ? 'GET, HEAD' : 'GET, HEAD, POST';
  visit.response.status(405).set('Allow', allowed).json({ error: 'method not allowed' });
}

async function show(rt: Runtime, deps: ConnectDeps, visit: Visit, access: Access): Promise<void> {
  const view = await viewOf(deps, access, visit.cookieOf);
  const cookie = cookieFor(rt, view, visit.cookieOf);
  if (cookie !== null)
    visit.response.append('Set-Cookie', setCookie(cookie, deps.settings.publicUrl()));
  await sendView(deps, visit, view, access);
}

/** A link that does not exist counts as a failed attempt of its address. */
async function sendView(
  deps: ConnectDeps,
  visit: Visit,
  view: View,
  access: Access,
): Promise<void> {
  if (view.kind === 'unknown-link' && !(await isWithinLimit(deps, visit))) return;
  const { settings, consent } = deps;
  const path = 'link' in access ? access.link : `sessions/${access.sessionId}`;
  const action = `${settings.publicUrl()}/connect/${path}`;
  send(visit, pageOf(view, { app: settings.appName, googleOrigin: consent.origin, action }));
}

async function isWithinLimit({ limits }: ConnectDeps, visit: Visit): Promise<boolean> {
  const { isAllowed, headers } = await limits.failed(visit.request.socket.remoteAddress ?? '');
  if (isAllowed) return true;
  visit.response.set('Retry-After', headers['Retry-After'] ?? '60');
  send(visit, tooManyPage());
  return false;
}

async function start(rt: Runtime, deps: ConnectDeps, visit: Visit, access: Access): Promise<void> {
  const { settings } = deps;
  if (isForeign(visit.request, settings.publicUrl())) {
    if (!(await isWithinLimit(deps, visit))) return;
    await refuseForeignForm(deps, access);
    return send(visit, foreignPage({ app: settings.appName }));
  }
  const begun = await begin(rt, deps, access, visit.cookieOf);
  if (begun.kind !== 'redirect') return sendView(deps, visit, begun, access);
  const binding = { sessionId: begun.session.id, secret: begun.cookie, lifeMs: begun.lifeMs };
  visit.response.append('Set-Cookie', setCookie(binding, settings.publicUrl()));
  redirect(visit, begun.url);
}

/** Browsers send where a form comes from. Other programs can send any header. */
function isForeign({ headers }: Request, publicUrl: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin } = headers;
  return origin !== undefined && origin !== 'null' && origin !== new URL(publicUrl).origin;
}

async function callback(rt: Runtime, deps: ConnectDeps, visit: Visit): Promise<void> {
  if (visit.request.method === 'HEAD') return void visit.response.status(200).end();
  const search = visit.request.originalUrl.slice(CALLBACK.length + 1);
  const query = new URLSearchParams(search.length > QUERY_LIMIT ? '' : search);
  const returned = await takeCallback(rt, deps, query, visit.cookieOf);
  rt.metrics.connects.inc({ outcome: returned.kind === 'done' ? returned.outcome : returned.kind });
  await sendReturned(deps, visit, returned);
}

async function sendReturned(deps: ConnectDeps, visit: Visit, returned: Returned): Promise<void> {
  switch (returned.kind) {
    case 'refused':
      // The limit bounds the rows of the audit log too.
      if (!(await isWithinLimit(deps, visit))) return;
      await noteRefusedCallback(deps, returned);
      return send(visit, refusedPage({ app: deps.settings.appName }));
    case 'expired':
    case 'done': {
      // Code and state leave the address bar and the history.
      const { id, returnTo } = returned.session;
      const outcome = returned.kind === 'done' ? returned.outcome : 'expired';
      const isComplete = IS_COMPLETE.has(outcome);
      redirect(
        visit,
        isComplete && returnTo !== null
          ? returnAddress(returnTo, { id, outcome })
          : `${deps.settings.publicUrl()}/connect/sessions/${id}`,
      );
      return;
    }
    default:
      unreachable(returned);
  }
}

/** Nothing is left for the person to do here. */
const IS_COMPLETE: ReadonlySet<ConnectOutcome> = new Set(['connected', 'renamed']);

function redirect({ response }: Visit, address: string): void {
  response.status(303).set('Location', address).end();
}

function send({ response }: Visit, page: Page): void {
  response.status(page.status).set(headersOf(page)).send(documentOf(page));
}
