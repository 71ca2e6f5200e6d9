import type { Runtime } from '@syncline/runtime';
import type { Express } from 'express';
import { baseApp } from './base-app.js';
import { exactRoutes } from './exact-routes.js';
import { healthRoutes } from './health.js';
import { pushRoutes } from './notifications/routes.js';
import type { PushDeps } from './notifications/source.js';

/**
 * Serves the paths of HOST and PORT: health, and Google's notifications. No response contains data
 * of accounts, queues or metrics.
 */
export function publicApp(rt: Runtime, push: PushDeps): Express {
  return baseApp(rt, [exactRoutes({ ...healthRoutes(rt), ...pushRoutes(rt, push) })]);
}
