/**
 * Serves one API call, alone or as a part of a batch: determines the method, the user and the
 * account, charges the quotas, applies faults and answers. A call is admitted (`admit`) when it
 * arrives and answered after the latency, so that parts are in flight as long as real calls.
 */
import { firstPageToken } from '../calendar/first-page.js';
import { calendarHandlers, routeCalendar } from '../calendar/routes.js';
import { gmailHandlers, routeGmail, type Handlers, type Route } from '../gmail/routes.js';
import type { AttachmentIds } from '../gmail/attachments.js';
import { applyFaults, type InjectedFaults } from '../faults.js';
import type { Grant } from '../grants.js';
import {
  isPushMethod,
  type ApiMethod,
  type CalendarMethod,
  type PlainGmailMethod,
} from '../methods.js';
import { firstPeoplePage } from '../people/lists.js';
import { isFullSyncStart, isPeoplePath, peopleHandlers, routePeople } from '../people/routes.js';
import { PEOPLE_SHAPES } from '../people/shapes.js';
import { routeChannels, servePush } from '../push/routes.js';
import { scopeRefusal } from '../scopes.js';
import type { Asked, Sim } from '../sim.js';
import type { Account } from '../world.js';
import { altered } from './altered.js';
import { damagedPart } from './damage.js';
import {
  badFields,
  delegationDenied,
  mailNotEnabled,
  notFound,
  unauthenticated,
} from './errors.js';
import { parseFields, unknownField, type Shape } from './fields.js';
import { Endings } from './endings.js';
import { withOmissions } from './omit.js';
import { PageOverlap } from './overlap.js';
import type { Format, Reply } from './reply.js';
import { CALENDAR_SHAPES, GMAIL_SHAPES } from './shapes.js';

/** `body` is empty for a call without one. */
export interface ApiCall {
  httpMethod: string;
  path: string;
  query: URLSearchParams;
  accessToken: string | null;
  body: Buffer;
}

/**
 * An admitted call. `answer` must be called once, after `delayMs`; `release` when the answer has
 * been sent.
 */
/** The answer of a part of a batch, which damage in transit changes differently. */
export interface Admitted {
  delayMs: number;
  reset: boolean;
  answer(): Reply;
  partAnswer(): Reply;
  release(): void;
}

export interface Api {
  admit(call: ApiCall): Admitted;
}

export function createApi(sim: Sim, attachmentIds: AttachmentIds): Api {
  const surface: Surface = {
    sim,
    gmail: gmailHandlers(attachmentIds),
    overlap: new PageOverlap(),
    endings: new Endings(),
  };
  return { admit: (call) => admit(surface, call) };
}

/** Whether the path is one of an API. Both hosts of Gmail serve the same paths. */
export function isApiPath(path: string): boolean {
  return path.startsWith('/gmail/v1/') || path.startsWith('/calendar/v3/') || isPeoplePath(path);
}

function apiOf(path: string): ApiMethod['api'] {
  if (isPeoplePath(path)) return 'people';
  return path.startsWith('/calendar/') ? 'calendar' : 'gmail';
}

interface Surface {
  sim: Sim;
  gmail: Handlers<PlainGmailMethod>;
  overlap: PageOverlap;
  endings: Endings;
}

function admit(surface: Surface, call: ApiCall): Admitted {
  const { sim } = surface;
  const route = routeOf(call);
  if (route === null) return settled(notFound(apiOf(call.path)));
  const caller = authenticate(sim, call);
  if (caller === null) return settled(unauthenticated());
  const { account, grant, client } = caller;
  if (account === null)
    return settled(route.method.api === 'gmail' ? mailNotEnabled() : notFound(route.method.api));
  const named = route.userId.toLowerCase();
  if (named !== 'me' && named !== account.email) return settled(delegationDenied(account.email));
  const refusal = scopeRefusal(route.method, call.query, grant.scopes);
  return refusal === null ? admitKnown(surface, call, route, account, client) : settled(refusal);
}

function admitKnown(
  surface: Surface,
  call: ApiCall,
  route: Route,
  account: Account,
  client: string,
): Admitted {
  const { sim } = surface;
  const nowMs = sim.clock.nowMs();
  const release = (): void => sim.quota.leave(account.key);
  const refusal =
    sim.quota.enter(route.method, account.key, nowMs) ??
    sim.quota.charge(
      route.method,
      account.key,
      nowMs,
      client,
      isFullSyncStart(route.method.name, call.query),
    );
  if (refusal !== null) return { ...settled(refusal), release };
  const injected = sim.faults.draw(
    {
      name: route.method.name,
      email: account.email,
      method: route.method,
      ids: route.ids,
      query: call.query,
      holds: (item) =>
        holdsItem(account, route, item) || call.query.getAll('resourceNames').includes(item),
    },
    nowMs,
  );
  const real = (): Reply =>
    injected.alterations.reduce(
      altered,
      injected.reply ?? serve(surface, call, route, account, injected),
    );
  return {
    delayMs: injected.delayMs,
    reset: injected.reset,
    release,
    answer: () => applyFaults(injected, real),
    partAnswer: () =>
      injected.damage === null
        ? real()
        : damagedPart(real(), injected.damage.kind, injected.damage.ms),
  };
}

/** Whether the call is for this item, or for a thread that contains it. */
function holdsItem({ mailbox }: Account, { method, ids }: Route, item: string): boolean {
  if (method.name !== 'threads.get') return ids.includes(item);
  return [...mailbox.thread(ids[0] ?? '')].some(({ id }) => id === item);
}

function serve(
  surface: Surface,
  call: ApiCall,
  route: Route,
  account: Account,
  { overlap, endings, cycle, omitted }: InjectedFaults,
): Reply {
  const { sim } = surface;
  const { method, ids } = route;
  const format = formatOf(call, shapeOf(method));
  if (typeof format === 'string') return badFields(format);
  const query = surface.endings.resolve(call.query);
  const asked: Asked = { sim, account, ids, query, format, method };
  if (isPushMethod(method.name)) return servePush(asked, method.name, call.body);
  if (method.name.startsWith('events.')) forgetTombstones(sim, account, ids[0] ?? '');
  const key = `${account.key} ${method.name} ${ids.join(' ')}`;
  const answerTo = (one: Asked): Reply => answerOf(surface, one);
  const answer = answerTo(asked);
  const reply = surface.endings.apply(
    endings,
    omitted > 0
      ? withOmissions(answer, omitted, (token) => answerTo(atPage(asked, token)), format)
      : answer,
    format,
    {
      key,
      sent: call.query.get('pageToken') ?? '',
      first: endings.length > 0 ? (firstPeoplePage(asked) ?? firstPageToken(asked) ?? '') : '',
      length: cycle,
    },
  );
  if (!sim.faults.isActive('overlapping-pages') && !overlap) return reply;
  return surface.overlap.answer(key, reply, overlap, format);
}

/** Push methods are not among the handlers. */
function answerOf(surface: Surface, asked: Asked): Reply {
  const { method } = asked;
  switch (method.api) {
    case 'gmail':
      return surface.gmail[method.name as PlainGmailMethod](asked);
    case 'calendar':
      return calendarHandlers[method.name as CalendarMethod](asked);
    case 'people':
      return peopleHandlers[method.name](asked);
  }
}

function shapeOf(method: ApiMethod): Shape {
  switch (method.api) {
    case 'gmail':
      return GMAIL_SHAPES[method.name];
    case 'calendar':
      return CALENDAR_SHAPES[method.name];
    case 'people':
      return PEOPLE_SHAPES[method.name];
  }
}

function forgetTombstones(sim: Sim, account: Account, calendarId: string): void {
  const beforeMs = sim.clock.nowMs() - sim.settings.tombstoneRetentionMs;
  account.shelf.find(calendarId)?.calendar.forgetTombstones(beforeMs);
}

function atPage(asked: Asked, pageToken: string): Asked {
  const query = new URLSearchParams(asked.query);
  query.set('pageToken', pageToken);
  return { ...asked, query };
}

/** Returns the format of the answer, or the invalid selector. */
function formatOf(call: ApiCall, shape: Shape): Format | string {
  const pretty = call.query.get('prettyPrint')?.toLowerCase() !== 'false';
  const text = call.query.get('fields');
  if (text === null || text === '') return { pretty, fields: null };
  const parsed = parseFields(text);
  if (!parsed.ok) return parsed.selector;
  return unknownField(parsed.mask, shape) ?? { pretty, fields: parsed.mask };
}

/**
 * Returns the account of a valid access token; a service account itself has no account here. Calls
 * with dead grants are recorded as the client's mistakes.
 */
function authenticate(
  sim: Sim,
  call: ApiCall,
): { grant: Grant; account: Account | null; client: string } | null {
  const token = call.accessToken === null ? null : sim.grants.ofAccessToken(call.accessToken);
  if (token === null) return null;
  const { grant, client } = token;
  if (sim.grants.isKnownRefused(grant)) sim.ledger.afterInvalidGrant(grant.email);
  if (grant.state === 'revoked-by-client') sim.ledger.afterRevoke(grant.email);
  return sim.grants.isLive(grant) && sim.clock.nowMs() < token.expiresAtMs
    ? { grant, account: sim.world.byKey(grant.email), client }
    : null;
}

function routeOf(call: ApiCall): Route | null {
  const path = segments(call.path);
  if (path === null) return null;
  if (path[0] === 'gmail' && path[1] === 'v1' && path[2] === 'users')
    return routeGmail(call.httpMethod, path.slice(3));
  if (path[0] === 'v1') return routePeople(call.httpMethod, path.slice(1));
  if (path[0] !== 'calendar' || path[1] !== 'v3') return null;
  return (
    routeCalendar(call.httpMethod, path.slice(2)) ?? routeChannels(call.httpMethod, path.slice(2))
  );
}

/** Returns null for invalid percent-encoding. */
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
  return {
    delayMs: 0,
    reset: false,
    answer: () => reply,
    partAnswer: () => reply,
    release: () => undefined,
  };
}
