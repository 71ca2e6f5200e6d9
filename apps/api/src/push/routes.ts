/**
 * `POST /push/gmail` and `POST /push/calendar`. Who sends is checked before anything is read or asked, so a forgery costs no query and no job.
 *
 * Answers, by Google's rules: Pub/Sub takes 2xx for an acknowledgement and sends everything else again, so what can never be of use (an unknown
 * mailbox, a body that is no notification) is acknowledged. Calendar sends again after 5xx only, so a channel that is unknown or has expired
 * and a message with a wrong token get the same 404, which does not reveal whether a channel exists.
 */
import { readChannelMessage, readGmailPush } from '@syncline/google';
import type { PushVerifier } from '@syncline/google/push';
import { type Runtime, unreachable } from '@syncline/runtime';
import type { Vault } from '@syncline/store';
import express, { type Request, type RequestHandler, type Response } from 'express';
import type { Route, Routes } from '../exact-routes.js';
import type { Bells, BellOutcome } from './bells.js';
import { openForgetful } from './forgetful.js';

/** A push of Gmail's has some 500 bytes, and Calendar's has none. */
const BODY_LIMIT_BYTES = 16 * 1024;

export interface PushDeps {
  bells: Bells;
  /** Null while nothing says what a push must carry: then none is believed. */
  verifier: Pick<PushVerifier, 'verify'> | null;
  vault: Pick<Vault, 'isChannelToken'>;
}

type Via = 'gmail-push' | 'calendar';

export function pushRoutes(rt: Runtime, { bells, verifier, vault }: PushDeps): Routes {
  const orFailed = failuresToldOnce(rt);
  const body = express.raw({ type: () => true, limit: BODY_LIMIT_BYTES, inflate: false });
  const route = (
    via: Via,
    refusalOf: (request: Request) => Promise<Refusal | null>,
    ring: (request: Request) => Promise<Outcome>,
  ): Route => ({
    POST: express
      .Router()
      .use(
        timed(rt, via),
        onlyFrom(rt, via, refusalOf),
        bounded(rt, via, body),
        answered(rt, via, ring),
      ),
  });
  return {
    '/push/gmail': route(
      'gmail-push',
      (request) => gmailRefusal(verifier, request),
      async (request) => {
        const address = Buffer.isBuffer(request.body) ? readGmailPush(request.body) : null;
        return address === null
          ? 'malformed'
          : orFailed(async () => (await bells.mailboxes([address]))[0] ?? 'unknown');
      },
    ),
    '/push/calendar': route(
      'calendar',
      async (request) => channelRefusal(vault, request),
      async (request) => {
        const message = messageOf(request);
        return message === null ? 'malformed' : orFailed(() => bells.channel(message));
      },
    ),
  };
}

type Outcome = BellOutcome | 'malformed' | 'failed';

/** Postgres is away: every notification of that time is refused and comes again, and the log has one line of it in half a minute. */
function failuresToldOnce(rt: Runtime): (ring: () => Promise<BellOutcome>) => Promise<Outcome> {
  const told = openForgetful(rt, { keepMs: 30_000, limit: 1 });
  return async (ring) => {
    try {
      return await ring();
    } catch (error) {
      if (!told.has('failed'))
        rt.log.warn(
          { event: 'doorbell-failed', err: error },
          'a notification could not be written down; Google sends it again',
        );
      told.add('failed');
      return 'failed';
    }
  };
}

interface Refusal {
  status: 401 | 403 | 404 | 503;
  reason: string;
}

async function gmailRefusal(
  verifier: PushDeps['verifier'],
  request: Request,
): Promise<Refusal | null> {
  if (verifier === null) return { status: 403, reason: 'not-configured' };
  const reason = await verifier.verify(request.headers.authorization);
  if (reason === null) return null;
  if (reason === 'cannot-tell') return { status: 503, reason };
  return { status: reason === 'wrong-service-account' ? 403 : 401, reason };
}

/** The token is made from the channel's id, so that a wrong one is told without looking anything up; an unknown channel has none that is right. */
function channelRefusal(vault: PushDeps['vault'], request: Request): Refusal | null {
  const message = messageOf(request);
  if (message === null) return { status: 404, reason: 'malformed' };
  if (message.token === '') return { status: 404, reason: 'no-token' };
  return vault.isChannelToken(message.channelId, message.token)
    ? null
    : { status: 404, reason: 'wrong-token' };
}

function messageOf(request: Request): ReturnType<typeof readChannelMessage> {
  return readChannelMessage((name) => request.get(name));
}

function onlyFrom(
  rt: Runtime,
  via: Via,
  refusalOf: (request: Request) => Promise<Refusal | null>,
): RequestHandler {
  return async (request, response, next) => {
    const refusal = await refusalOf(request);
    if (refusal === null) return next();
    rt.metrics.doorbells.inc({ via, outcome: refusal.reason });
    answer(response, refusal.status);
  };
}

/** A body that is too large, cut off or compressed ends here with its 4xx, counted. */
function bounded(rt: Runtime, via: Via, body: RequestHandler): RequestHandler {
  return (request, response, next) => {
    void body(request, response, (error?: unknown) => {
      if (error !== undefined) {
        rt.metrics.doorbells.inc({ via, outcome: 'bad-body' });
        response.set('Connection', 'close');
      } else response.removeHeader('Connection');
      next(error);
    });
  };
}

function answered(
  rt: Runtime,
  via: Via,
  ring: (request: Request) => Promise<Outcome>,
): RequestHandler {
  return async (request, response) => {
    const outcome = await ring(request);
    rt.metrics.doorbells.inc({ via, outcome });
    answer(response, statusOf(via, outcome));
  };
}

/** The answer depends on the status only, so that it does not reveal the reason. */
function answer(response: Response, status: 204 | Refusal['status']): void {
  if (status === 204) response.status(204).end();
  else response.status(status).json({ error: status === 404 ? 'not found' : 'refused' });
}

function statusOf(via: Via, outcome: Outcome): 204 | 404 | 503 {
  switch (outcome) {
    case 'rung':
    case 'greeted':
    case 'malformed':
      return 204;
    case 'unknown':
      return via === 'calendar' ? 404 : 204;
    case 'busy':
    case 'failed':
      return 503;
    default:
      return unreachable(outcome);
  }
}

function timed(rt: Runtime, via: Via): RequestHandler {
  return (_request, response, next) => {
    const endTimer = rt.metrics.doorbellSeconds.startTimer({ via });
    response.once('finish', () => void endTimer());
    next();
  };
}
