import type { Runtime } from '@syncline/runtime';
import type { Routes } from './exact-routes.js';

/**
 * Alive is whoever can say so: it depends on nothing, lest a restart of Postgres restart every API with it. Ready is what the probes and loops of this
 * process last reported; a request asks no server.
 */
export function healthRoutes(rt: Runtime): Routes {
  return {
    '/livez': { GET: (_request, response) => void response.json({ status: 'live' }) },
    '/readyz': {
      GET: (_request, response) => {
        const ready = rt.health.answer();
        response.status(ready.status === 'not ready' ? 503 : 200).json(ready);
      },
    },
  };
}
