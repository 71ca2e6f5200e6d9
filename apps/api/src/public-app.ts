import type { Runtime } from '@syncline/runtime';
import type { Express, RequestHandler } from 'express';
import { baseApp } from './base-app.js';
import { exactRoutes } from './exact-routes.js';
import { healthRoutes } from './health.js';
import { pushRoutes } from './notifications/routes.js';
import type { PushDeps } from './notifications/source.js';

/**
 * Serves the paths of HOST and PORT: health, Google's notifications, the connect pages and the HTTP
 * API. Only the API gives data of accounts, to callers with a key.
 * @param others the connect pages and the API; default: none
 */
export function publicApp(
  rt: Runtime,
  push: PushDeps,
  others: readonly RequestHandler[] = [],
): Express {
  const routes = exactRoutes({ ...healthRoutes(rt), ...pushRoutes(rt, push) });
  return baseApp(rt, [routes, ...others]);
}
