import type { Runtime } from '@syncline/runtime';
import type { Routes } from './exact-routes.js';

/**
 * `/livez` has no dependencies, so that a restart of Postgres does not restart every API. `/readyz`
 * returns what the probes and loops of this process last reported; a request queries no server.
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
