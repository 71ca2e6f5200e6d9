/**
 * Serves `POST /push/…`, a path for each of Google's APIs. The sender is verified before anything
 * is read or queried, so a forgery costs no query and no job.
 */
import { RepeatLimit, type Runtime, unreachable } from '@syncline/runtime';
import express, { type Request, type RequestHandler, type Response } from 'express';
import type { Route, Routes } from '../exact-routes.js';
import type { NotificationOutcome } from './notifier.js';
import { openTtlSet } from './ttl-set.js';
import { PUSH_SOURCES } from './index.js';
import type { PushDeps, PushSource, Refusal } from './source.js';

/** A push of Gmail has some 500 bytes; Calendar's has no body. */
const BODY_LIMIT_BYTES = 16 * 1024;

export function pushRoutes(rt: Runtime, deps: PushDeps): Routes {
  const orFailed = failuresReportedOnce(rt);
  const body = express.raw({ type: () => true, limit: BODY_LIMIT_BYTES, inflate: false });
  const routeOf = (source: PushSource): Route => ({
    POST: express.Router().use(
      timed(rt, source),
      onlyFrom(rt, source, deps),
      bounded(rt, source, body),
      onlyWith(rt, source, deps),
      answered(rt, source, (request) => {
        const notify = source.notificationOf(deps, request);
        return notify === null ? Promise.resolve('malformed') : orFailed(notify);
      }),
    ),
  });
  return Object.fromEntries(PUSH_SOURCES.map((source) => [source.path, routeOf(source)]));
}

type Outcome = NotificationOutcome | 'malformed' | 'failed';

/**
 * While Postgres is unavailable, every notification is refused and delivered again, and the log
 * gets one line in half a minute.
 */
function failuresReportedOnce(
  rt: Runtime,
): (notify: () => Promise<NotificationOutcome>) => Promise<Outcome> {
  const reported = openTtlSet(rt, { keepMs: 30_000, limit: 1 });
  return async (notify) => {
    try {
      return await notify();
    } catch (error) {
      if (!reported.has('failed'))
        rt.log.warn(
          { event: 'notification_failed', err: error },
          'a notification could not be stored; Google sends it again',
        );
      reported.add('failed');
      return 'failed';
    }
  };
}

function onlyFrom(rt: Runtime, source: PushSource, deps: PushDeps): RequestHandler {
  const { via } = source;
  return async (request, response, next) => {
    const refusal = await source.refusalOf(deps, request);
    if (refusal === null) return next();
    rt.metrics.notifications.inc({ via, outcome: refusal.reason });
    answer(response, refusal.status);
  };
}

/**
 * Refuses by what the body says. The token was good, so its service account is used elsewhere, and
 * a line is logged.
 */
function onlyWith(rt: Runtime, source: PushSource, deps: PushDeps): RequestHandler {
  const { via } = source;
  const limit = new RepeatLimit();
  return (request, response, next) => {
    const refusal = source.bodyRefusalOf?.(deps, request) ?? null;
    if (refusal === null) return next();
    rt.metrics.notifications.inc({ via, outcome: refusal.reason });
    const suppressed = limit.admit(refusal.reason, rt.clock.nowMs());
    if (suppressed !== null)
      rt.log.warn(
        { event: 'push_refused', reason: refusal.reason, suppressed },
        'a push with a valid token was refused: PUSH_GMAIL_SUBSCRIPTION does not name its subscription',
      );
    answer(response, refusal.status);
  };
}

/**
 * Limits the body. One that is too large, truncated or compressed gets its 4xx here, and is
 * counted.
 */
function bounded(rt: Runtime, { via }: PushSource, body: RequestHandler): RequestHandler {
  return (request, response, next) => {
    void body(request, response, (error?: unknown) => {
      if (error !== undefined) {
        rt.metrics.notifications.inc({ via, outcome: 'bad-body' });
        response.set('Connection', 'close');
      } else response.removeHeader('Connection');
      next(error);
    });
  };
}

function answered(
  rt: Runtime,
  source: PushSource,
  notify: (request: Request) => Promise<Outcome>,
): RequestHandler {
  return async (request, response) => {
    const outcome = await notify(request);
    rt.metrics.notifications.inc({ via: source.via, outcome });
    answer(response, statusOf(source, outcome));
  };
}

/** Writes the response. It depends on the status only, so that it does not reveal the reason. */
function answer(response: Response, status: 204 | Refusal['status']): void {
  if (status === 204) response.status(204).end();
  else response.status(status).json({ error: status === 404 ? 'not found' : 'refused' });
}

function statusOf({ unknownStatus }: PushSource, outcome: Outcome): 204 | 404 | 503 {
  switch (outcome) {
    case 'notified':
    case 'sync-message':
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
    const endTimer = rt.metrics.notificationSeconds.startTimer({ via });
    response.once('finish', () => void endTimer());
    next();
  };
}
