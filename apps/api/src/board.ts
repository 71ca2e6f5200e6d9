import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { JOBS, type Fleet, type QueueName, readJobProgress, readJobReport } from '@syncline/fleet';
import { type RequestHandler, Router } from 'express';
import { exactPath } from './exact-routes.js';
import { jobTitle } from './job-title.js';
import { underOwnName } from './foreign-names.js';

/** Must equal the path where the board is mounted: the page builds its links from it. */
export const BOARD_PATH = '/board';

/**
 * The page may load its own resources only. Its style is inline in places. It names a font on
 * another host, which is not fetched: an operator's tool must not disclose its use to a third
 * party.
 */
const BOARD_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A queue's name, or a job's id. */
const NAME = '[\\w:-]+';
/**
 * The paths of the board: its pages, its files, and the data of its pages. Bull Board's own routes
 * also match other cases and a trailing slash.
 */
const PATHS = new RegExp(
  `^${BOARD_PATH}(?:/?|/metrics-history|/job-schedulers|/queue/${NAME}(?:/${NAME})?|/static(?:/\\w[\\w-]*(?:\\.[\\w-]+)*)+|/api/(?:queues|redis/stats|job-schedulers|queues/${NAME}/(?:metrics|default-job-options|workers|rate-limit|job-data-schema)|queues/${NAME}/${NAME}(?:/logs|/flow)?))$`,
);

/** Serves Bull Board at exactly its own paths, for GET and HEAD only: the board is read-only. */
export function boardRoutes(fleet: Pick<Fleet, 'queues'>): RequestHandler {
  const board = Router().use(BOARD_PATH, queueBoard(fleet));
  const shown = underOwnName((request, response, next) => {
    response.set('Content-Security-Policy', BOARD_CSP);
    board(request, response, next);
  });
  return (request, response, next) => {
    const path = exactPath(request);
    if (path !== BOARD_PATH && !path.startsWith(`${BOARD_PATH}/`)) return next();
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return void response
        .status(405)
        .set('Allow', 'GET, HEAD')
        .json({ error: 'method not allowed' });
    return PATHS.test(path) ? shown(request, response, next) : next();
  };
}

/**
 * Returns Bull Board over the fleet's queues. Manual retries are never needed, since the schedule
 * in Postgres brings all work back, so the mutating routes answer 405. `showWorkers` would run
 * CLIENT LIST for each queue on every poll of every tab (measured: 123 ms a poll with 1,000
 * connections).
 */
function queueBoard(fleet: Pick<Fleet, 'queues'>): RequestHandler {
  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath(BOARD_PATH);
  createBullBoard({
    queues: fleet.queues().map((queue) => boardQueue(queue)),
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'Syncline',
        hideRedisDetails: true,
        showWorkers: false,
        hideDocsLink: true,
        pollingInterval: { forceInterval: 5 },
      },
    },
  });
  return serverAdapter.getRouter() as RequestHandler;
}

/**
 * Returns a queue of the board. A job's content is parsed by the job catalogue and not shown as
 * Redis holds it: the board shows texts and numbers of ours, or that the job is not one of ours.
 */
function boardQueue(queue: ConstructorParameters<typeof BullMQAdapter>[0]): BullMQAdapter {
  const name = queue.name as QueueName;
  const adapter = new BullMQAdapter(queue, { readOnlyMode: true, delimiter: '-' });
  adapter.setFormatter(
    'data',
    (data: unknown) => JOBS[name].read(data) ?? { refused: 'not the data of a job of this queue' },
  );
  adapter.setFormatter('name', (job) => jobTitle(name, job));
  adapter.setFormatter('returnValue', readJobReport);
  adapter.setFormatter('progress', readJobProgress);
  return adapter;
}
