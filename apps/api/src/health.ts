import type { Runtime } from '@syncline/runtime';
import { type RequestHandler, Router } from 'express';

/**
 * `/livez` and `/readyz`, at exactly these paths. Alive is whoever can say so: it depends on nothing, lest a restart of Postgres
 * restart every API with it. Ready is what the probes and loops of this process last reported; a request asks no server.
 */
export function healthRoutes(rt: Runtime): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router
    .route('/livez')
    .get((_request, response) => void response.json({ status: 'live' }))
    .all(onlyGet);
  router
    .route('/readyz')
    .get((_request, response) => {
      const ready = rt.health.answer();
      response.status(ready.status === 'not ready' ? 503 : 200).json(ready);
    })
    .all(onlyGet);
  return router;
}

const onlyGet: RequestHandler = (_request, response) =>
  void response.status(405).set('Allow', 'GET, HEAD').json({ error: 'method not allowed' });
