/**
 * The calls that begin and end notifications, Pub/Sub's REST interface, and the certificates for
 * its tokens.
 */
import {
  calendarError,
  insufficientPubSubScope,
  notFound,
  platformError,
  unauthenticated,
} from '../http/errors.js';
import { jsonReply, PLAIN, type Reply } from '../http/reply.js';
import { postedJson, type Posted } from '../http/posted.js';
import type { Route } from '../gmail/routes.js';
import type { ChannelMethod, PushMethod } from '../methods.js';
import { fullScope } from '../scopes.js';
import type { Asked, Sim } from '../sim.js';
import { unreachable } from '../unreachable.js';

/** Returns the channel method for a path below /calendar/v3/, or null. */
export function routeChannels(httpMethod: string, path: readonly string[]): Route | null {
  if (httpMethod !== 'POST') return null;
  const joined = path
    .map((part, at) => (at === 1 && path[0] !== 'channels' ? '*' : part))
    .join('/');
  if (joined === 'channels/stop') return route('channels.stop', 'me', []);
  if (joined === 'users/*/calendarList/watch')
    return route('calendarList.watch', path[1] as string, []);
  return joined === 'calendars/*/events/watch'
    ? route('events.watch', 'me', [path[1] as string])
    : null;
}

/** Serves watch, stop and the channel methods. */
export function servePush(asked: Asked, name: PushMethod, posted: Buffer): Reply {
  const body = postedJson(posted);
  const { watches, channels } = asked.sim;
  if (body === null)
    return asked.method.api === 'gmail'
      ? platformError(400, 'Invalid JSON payload received.', 'badRequest')
      : calendarError(400, 'Parse Error', 'parseError');
  switch (name) {
    case 'watch':
      return watches.watch(asked.account, body, asked.format);
    case 'stop':
      return watches.stop(asked.account);
    case 'channels.stop':
      return channels.stop(asked, body);
    case 'calendarList.watch': {
      const { shelf, email } = asked.account;
      return channels.watch(
        asked,
        body,
        `https://www.googleapis.com/calendar/v3/users/${encodeURIComponent(email)}/calendarList?alt=json`,
        () => shelf.revision,
      );
    }
    case 'events.watch':
      return watchEvents(asked, body);
    default:
      return unreachable(name);
  }
}

export function isPubSubPath(path: string): boolean {
  return path.startsWith('/v1/projects/');
}

/** Serves `POST /v1/projects/P/subscriptions/S:pull|:acknowledge|:modifyAckDeadline`. */
export async function servePubSub(
  sim: Sim,
  httpMethod: string,
  path: string,
  accessToken: string | null,
  posted: Buffer,
): Promise<Reply> {
  const match =
    /^\/v1\/(projects\/[^/]+\/subscriptions\/[^/:]+):(pull|acknowledge|modifyAckDeadline)$/.exec(
      decodeURIComponent(path),
    );
  const refusal = pubSubRefusal(sim, accessToken);
  if (refusal !== null) return refusal;
  const body = postedJson(posted);
  if (match === null || httpMethod !== 'POST') return notFound('gmail');
  if (body === null) return platformError(400, 'Invalid JSON payload received.', 'badRequest');
  const answer = await onSubscription(sim, match[1] as string, match[2] as string, body);
  return (
    answer ??
    platformError(
      404,
      `Resource not found (resource=${(match[1] as string).split('/')[3] ?? ''}).`,
      'notFound',
    )
  );
}

/** Serves `/oauth2/v1/certs` (PEM by key id) and `/oauth2/v3/certs` (JWK); null for other paths. */
export function serveCertificates(sim: Sim, path: string): Reply | null {
  if (path === '/oauth2/v1/certs')
    return jsonReply({ [sim.signingKey.kid]: sim.signingKey.certificatePem(Date.now()) }, PLAIN);
  return path === '/oauth2/v3/certs' ? jsonReply({ keys: [sim.signingKey.jwk()] }, PLAIN) : null;
}

const PULL_LIMIT = 1_000;
/**
 * The real service holds an empty pull longer; a second is enough to keep idle clients from a busy
 * loop.
 */
const PULL_WAIT_MS = 1_000;
const PUBSUB_SCOPES = ['pubsub', 'cloud-platform'].map(fullScope);
/** Public and automatic calendars have no channels; clients must poll them. */
const UNWATCHABLE =
  /#(?:holiday|contacts|weather|weeknum)@group\.v\.calendar\.google\.com$|@import\.calendar\.google\.com$|@resource\.calendar\.google\.com$/;

function watchEvents(asked: Asked, body: Posted): Reply {
  const [change = ''] = asked.ids;
  const { shelf } = asked.account;
  const entry = shelf.find(change);
  if (entry === null) return notFound('calendar');
  const { id } = entry.calendar;
  if (UNWATCHABLE.test(id))
    return calendarError(
      400,
      'Push notifications are not supported by this resource.',
      'pushNotSupportedForRequestedResource',
    );
  const uri = `https://www.googleapis.com/calendar/v3/calendars/${encodeURIComponent(id)}/events?alt=json`;
  return asked.sim.channels.watch(
    asked,
    body,
    uri,
    () => shelf.find(id)?.calendar.revision ?? null,
  );
}

function pubSubRefusal(sim: Sim, accessToken: string | null): Reply | null {
  const token = accessToken === null ? null : sim.grants.ofAccessToken(accessToken);
  if (token === null || token.grant.state !== 'live' || token.expiresAtMs <= sim.clock.nowMs())
    return unauthenticated();
  return token.grant.scopes.some((scope) => PUBSUB_SCOPES.includes(scope))
    ? null
    : insufficientPubSubScope();
}

/** Returns null for an unknown subscription. */
async function onSubscription(
  sim: Sim,
  name: string,
  verb: string,
  body: Posted,
): Promise<Reply | null> {
  if (verb === 'pull') return pull(sim, name, body);
  const ackIds = Array.isArray(body['ackIds']) ? body['ackIds'].map(String) : [];
  if (ackIds.length === 0) return platformError(400, 'No ack ids specified.', 'badRequest');
  if (verb === 'acknowledge')
    return sim.pubsub.acknowledge(name, ackIds) ? jsonReply({}, PLAIN) : null;
  const seconds = Number(body['ackDeadlineSeconds']);
  if (!(seconds >= 0 && seconds <= 600))
    return platformError(
      400,
      'The value for ack_deadline_seconds must be between 0 and 600.',
      'badRequest',
    );
  return sim.pubsub.modifyAckDeadline(name, ackIds, seconds) ? jsonReply({}, PLAIN) : null;
}

async function pull(sim: Sim, name: string, body: Posted): Promise<Reply | null> {
  const most = Math.min(PULL_LIMIT, Number(body['maxMessages'] ?? 0));
  if (!(most >= 1))
    return platformError(
      400,
      'You have passed an invalid argument to the service (argument=max_messages).',
      'badRequest',
    );
  const waitMs = body['returnImmediately'] === true ? 0 : PULL_WAIT_MS;
  const messages = await sim.pubsub.pull(name, most, waitMs);
  if (messages === null) return null;
  return jsonReply(messages.length === 0 ? {} : { receivedMessages: messages }, PLAIN);
}

function route(name: ChannelMethod, userId: string, ids: string[]): Route {
  return { method: { api: 'calendar', name }, userId, ids };
}
