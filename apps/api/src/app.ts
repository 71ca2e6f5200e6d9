import type { Fleet } from '@syncline/fleet';
import type { Runtime } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import express, {
  type ErrorRequestHandler,
  type Express,
  type NextFunction,
  type Request,
  type Response,
} from 'express';
import { BOARD_CSP, BOARD_PATH, queueBoard } from './board.js';
import { healthRoutes } from './health.js';
import { loopbackOnly } from './loopback-only.js';
import { metricsPage } from './metrics-page.js';
import { type PushDeps, pushRoutes } from './push/routes.js';

export interface ApiDeps {
  store: {
    accounts: Pick<Store['accounts'], 'countByState'>;
    collections: Pick<Store['collections'], 'countHeld'>;
    watches: Pick<Store['watches'], 'count'>;
  };
  fleet: Pick<Fleet, 'counts' | 'waitingAgesMs' | 'queues'>;
  /** Left out, there are no doorbells. */
  push?: PushDeps;
}

/** Every route of the API process. Answers hold counts and ids, nothing of any customer's. */
export function createApp(rt: Runtime, { store, fleet, push }: ApiDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(everyAnswer);
  const metrics = metricsPage(rt, {
    fleet,
    accounts: store.accounts,
    collections: store.collections,
    watches: store.watches,
  });

  app.get('/', (_request, response) => void response.type('text/html').send(INDEX_PAGE));
  app.use(healthRoutes(rt));
  app.get('/metrics', async (_request, response) => {
    const text = await metrics.text();
    response.set('Content-Type', metrics.contentType).send(text);
  });
  if (push) app.use('/push', pushRoutes(rt, push));
  app.use(BOARD_PATH, loopbackOnly, boardHeaders, queueBoard(fleet));

  app.use((_request, response) => void response.status(404).json({ error: 'not found' }));
  app.use(answerError(rt));
  return app;
}

function everyAnswer(request: Request, response: Response, next: NextFunction): void {
  response.set({
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
    'Content-Security-Policy':
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  });
  // TRACE reads a request back to its sender, headers and all.
  if (request.method !== 'TRACE') return next();
  response.status(405).set('Allow', 'GET, HEAD, POST').json({ error: 'method not allowed' });
}

function boardHeaders(_request: Request, response: Response, next: NextFunction): void {
  response.set('Content-Security-Policy', BOARD_CSP);
  next();
}

/** Express would print the stack. Its own 4xx errors (a path that doesn't decode, a body too large) keep their status. */
function answerError(rt: Runtime): ErrorRequestHandler {
  // Four parameters, used or not, are how Express knows an error handler.
  return (error: unknown, _request, response, _next) => {
    const status = clientErrorStatus(error) ?? 500;
    if (status === 500)
      rt.log.error(
        { event: 'request-failed', err: error },
        'a request ended in an error that nobody expected',
      );
    // Express would print the error, with its message, and cut the connection. Cutting it is enough.
    if (response.headersSent) return void response.destroy();
    response.status(status).json({ error: status === 500 ? 'internal error' : 'bad request' });
  };
}

function clientErrorStatus(error: unknown): number | null {
  const status =
    typeof error === 'object' && error !== null && 'status' in error ? error.status : null;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null;
}

const INDEX_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Syncline</title>
<h1>Syncline</h1>
<ul>
<li><a href="${BOARD_PATH}">Queues</a> (on this machine only)</li>
<li><a href="/metrics">Metrics</a></li>
<li><a href="/readyz">Ready?</a></li>
<li><a href="/livez">Alive?</a></li>
</ul>
</html>
`;
