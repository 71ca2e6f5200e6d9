/**
 * One call to an API, whether it came alone or as a part of a batch: find the method, the user and the account, count it
 * against the quotas, let a fault strike, and answer. It is let in (`admit`) when it arrives and answered after the latency,
 * so that parts are in flight for as long as a real call would be.
 */
import { calendarHandlers, routeCalendar } from '../calendar/routes.js';
import { gmailHandlers, routeGmail, type Handlers, type Route } from '../gmail/routes.js';
import type { AttachmentIds } from '../gmail/attachments.js';
import type { GmailMethod } from '../methods.js';
import type { Asked, Sim } from '../sim.js';
import type { Account } from '../world.js';
import { badFields, delegationDenied, notFound, unauthenticated } from './errors.js';
import { parseFields, unknownField } from './fields.js';
import type { Format, Reply } from './reply.js';
import { CALENDAR_SHAPES, GMAIL_SHAPES } from './shapes.js';

export interface ApiCall { httpMethod: string; path: string; query: URLSearchParams; accessToken: string | null }

/** A call that has arrived. `answer` is to be called once, after `delayMs`; `release` when the answer is out. */
export interface Admitted { delayMs: number; reset: boolean; answer(): Reply; release(): void }

export interface Api { admit(call: ApiCall): Admitted }

export function createApi(sim: Sim, attachmentIds: AttachmentIds): Api {
  const gmail = gmailHandlers(attachmentIds);
  return { admit: (call) => admit(sim, gmail, call) };
}

/** Gmail's and Calendar's paths; both of Gmail's hosts serve the same ones. */
export function isApiPath(path: string): boolean {
  return path.startsWith('/gmail/v1/') || path.startsWith('/calendar/v3/');
}

function admit(sim: Sim, gmail: Handlers<GmailMethod>, call: ApiCall): Admitted {
  const route = routeOf(call);
  if (route === null) return settled(notFound(call.path.startsWith('/calendar/') ? 'calendar' : 'gmail'));
  const owner = authenticate(sim, call);
  if (owner === null) return settled(unauthenticated());
  const named = route.userId.toLowerCase();
  if (named !== 'me' && named !== owner.email) return settled(delegationDenied(owner.email));
  return admitKnown(sim, gmail, call, route, owner);
}

function admitKnown(sim: Sim, gmail: Handlers<GmailMethod>, call: ApiCall, route: Route, account: Account): Admitted {
  const nowMs = sim.clock.nowMs();
  const release = (): void => sim.quota.leave(account.email);
  const refusal = sim.quota.enter(route.method, account.email, nowMs) ?? sim.quota.charge(route.method, account.email, nowMs);
  if (refusal !== null) return { ...settled(refusal), release };
  const mishap = sim.faults.meet(route.method.name, account.email, nowMs, route.method);
  const { reply } = mishap;
  return { delayMs: mishap.delayMs, reset: mishap.reset, answer: () => reply ?? serve(sim, gmail, call, route, account), release };
}

function serve(sim: Sim, gmail: Handlers<GmailMethod>, call: ApiCall, route: Route, account: Account): Reply {
  const { method, ids } = route;
  const format = formatOf(call, method.api === 'gmail' ? GMAIL_SHAPES[method.name] : CALENDAR_SHAPES[method.name]);
  if (typeof format === 'string') return badFields(format);
  const asked: Asked = { sim, account, ids, query: call.query, format, method };
  return method.api === 'gmail' ? gmail[method.name](asked) : calendarHandlers[method.name](asked);
}

/** The selector that is wrong, or what the answer should look like. */
function formatOf(call: ApiCall, shape: Parameters<typeof unknownField>[1]): Format | string {
  const pretty = call.query.get('prettyPrint')?.toLowerCase() !== 'false';
  const text = call.query.get('fields');
  if (text === null || text === '') return { pretty, fields: null };
  const parsed = parseFields(text);
  if (!parsed.ok) return parsed.selector;
  return unknownField(parsed.mask, shape) ?? { pretty, fields: parsed.mask };
}

/** The account that a live access token belongs to; calls of dead grants are noted for the judge of the client. */
function authenticate(sim: Sim, call: ApiCall): Account | null {
  const token = call.accessToken === null ? null : sim.grants.ofAccessToken(call.accessToken);
  if (token === null) return null;
  const { grant } = token;
  if (grant.refusedOnce) sim.ledger.afterInvalidGrant(grant.email);
  if (grant.state === 'revoked-by-client') sim.ledger.afterRevoke(grant.email);
  return grant.state === 'live' && sim.clock.nowMs() < token.expiresAtMs ? sim.world.get(grant.email) : null;
}

function routeOf(call: ApiCall): Route | null {
  const path = segments(call.path);
  if (path === null) return null;
  if (path[0] === 'gmail' && path[1] === 'v1' && path[2] === 'users') return routeGmail(call.httpMethod, path.slice(3));
  return path[0] === 'calendar' && path[1] === 'v3' ? routeCalendar(call.httpMethod, path.slice(2)) : null;
}

/** Null for broken percent-encoding. */
function segments(path: string): string[] | null {
  const parts = path.split('/').slice(1);
  if (!path.includes('%')) return parts;
  try {
    return parts.map(decodeURIComponent);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

function settled(reply: Reply): Admitted {
  return { delayMs: 0, reset: false, answer: () => reply, release: () => undefined };
}
