/**
 * `POST /push/…`, a path for each of Google's APIs. Who sends is checked before anything is read or asked, so a forgery costs no query and no job.
 */
import { type Runtime, unreachable } from '@syncline/runtime';
import express, { type Request, type RequestHandler, type Response } from 'express';
import type { Route, Routes } from '../exact-routes.js';
import type { BellOutcome } from './bells.js';
import { openForgetful } from './forgetful.js';
import { PUSH_SOURCES } from './index.js';
import type { PushDeps, PushSource, Refusal } from './source.js';

/** A push of Gmail's has some 500 bytes, and Calendar's has none. */
const BODY_LIMIT_BYTES = 16 * 1024;

export function pushRoutes(rt: Runtime, deps: PushDeps): Routes {
  const orFailed = failuresToldOnce(rt);
  const body = express.raw({ type: () => true, limit: BODY_LIMIT_BYTES, inflate: false });
  const routeOf = (source: PushSource): Route => ({
    POST: express.Router().use(
      timed(rt, source),
      onlyFrom(rt, source, deps),
      bounded(rt, source, body),
      answered(rt, source, (request) => {
        const ring = source.ringOf(deps, request);
        return ring === null ? Promise.resolve('malformed') : orFailed(ring);
      }),
    ),
  });
  return Object.fromEntries(PUSH_SOURCES.map((source) => [source.path, routeOf(source)]));
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

function onlyFrom(rt: Runtime, source: PushSource, deps: PushDeps): RequestHandler {
  const { via } = source;
  return async (request, response, next) => {
    const refusal = await source.refusalOf(deps, request);
    if (refusal === null) return next();
    rt.metrics.doorbells.inc({ via, outcome: refusal.reason });
    answer(response, refusal.status);
  };
}

/** A body that is too large, cut off or compressed ends here with its 4xx, counted. */
function bounded(rt: Runtime, { via }: PushSource, body: RequestHandler): RequestHandler {
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
  source: PushSource,
  ring: (request: Request) => Promise<Outcome>,
): RequestHandler {
  return async (request, response) => {
    const outcome = await ring(request);
    rt.metrics.doorbells.inc({ via: source.via, outcome });
    answer(response, statusOf(source, outcome));
  };
}

/** The answer depends on the status only, so that it does not reveal the reason. */
function answer(response: Response, status: 204 | Refusal['status']): void {
  if (status === 204) response.status(204).end();
  else response.status(status).json({ error: status === 404 ? 'not found' : 'refused' });
}

function statusOf({ unknownStatus }: PushSource, outcome: Outcome): 204 | 404 | 503 {
  switch (outcome) {
    case 'rung':
    case 'greeted':
    case 'malformed':
      return 204;
    case 'unknown':
      return unknownStatus;
    case 'busy':
    case 'failed':
      return 503;
    default:
      return unreachable(outcome);
  }
}

function timed(rt: Runtime, { via }: PushSource): RequestHandler {
  return (_request, response, next) => {
    const endTimer = rt.metrics.doorbellSeconds.startTimer({ via });
    response.once('finish', () => void endTimer());
    next();
  };
}
