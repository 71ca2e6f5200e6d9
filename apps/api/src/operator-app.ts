import type { Fleet } from '@syncline/fleet';
import { type Runtime, isLoopbackHost } from '@syncline/runtime';
import type { Store, AccountReads } from '@syncline/store';
import type { Express, RequestHandler } from 'express';
import { baseApp } from './base-app.js';
import { BOARD_PATH, boardRoutes } from './board.js';
import { exactRoutes } from './exact-routes.js';
import { underOwnName } from './foreign-names.js';
import { metricsPage } from './metrics-page.js';

export interface OperatorDeps {
  store: {
    accounts: Pick<AccountReads, 'countByState' | 'countHeldSweeps'>;
    distribution: Pick<Store['distribution'], 'undistributedMs'>;
    watches: Pick<Store['watches'], 'count'>;
  };
  fleet: Pick<Fleet, 'counts' | 'waitingAgesMs' | 'queues'>;
}

/**
 * Returns why the board is not served, for the log and for a person who opens it; null when it is
 * served.
 */
export function boardRefusal(host: string): string | null {
  return isLoopbackHost(host)
    ? null
    : `The queue board has no login yet, so it is available on loopback only, and OPERATOR_HOST is ${host}: set it to 127.0.0.1 to have the board.`;
}

/**
 * Serves the paths of OPERATOR_HOST and OPERATOR_PORT: `/`, `/metrics` and the board. Responses
 * contain counts and ids, and no customer data.
 * @param host the listener's address; the board is served on loopback only
 */
export function operatorApp(rt: Runtime, { store, fleet }: OperatorDeps, host: string): Express {
  const metrics = metricsPage(rt, {
    fleet,
    accounts: store.accounts,
    distribution: store.distribution,
    watches: store.watches,
  });
  const refusal = boardRefusal(host);
  const startPage: RequestHandler = (_request, response) =>
    void response.type('text/html').send(startPageText(refusal));
  const metricsText: RequestHandler = async (_request, response) => {
    const text = await metrics.text();
    response.set('Content-Type', metrics.contentType).send(text);
  };
  if (refusal !== null)
    return baseApp(rt, [
      exactRoutes({
        '/': { GET: startPage },
        '/metrics': { GET: metricsText },
        [BOARD_PATH]: { GET: noBoard(refusal) },
      }),
    ]);
  return baseApp(rt, [
    exactRoutes({
      '/': { GET: underOwnName(startPage) },
      '/metrics': { GET: underOwnName(metricsText) },
    }),
    boardRoutes(fleet),
  ]);
}

function noBoard(refusal: string): RequestHandler {
  return (_request, response) => void response.status(404).type('text/plain').send(`${refusal}\n`);
}

function startPageText(refusal: string | null): string {
  const board = refusal === null ? `<a href="${BOARD_PATH}">Queues</a>` : `Queues: ${refusal}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Syncline</title>
<h1>Syncline</h1>
<ul>
<li>${board}</li>
<li><a href="/metrics">Metrics</a></li>
</ul>
<p>Health is served by the public listener (HOST, PORT): /livez and /readyz.</p>
</html>
`;
}
