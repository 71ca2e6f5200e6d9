import type { Runtime } from '@syncline/runtime';
import type { Express } from 'express';
import { baseApp } from './base-app.js';
import { exactRoutes } from './exact-routes.js';
import { healthRoutes } from './health.js';
import { pushRoutes } from './notifications/routes.js';
import type { PushDeps } from './notifications/source.js';

/** Everything that HOST and PORT serve: health, and Google's notifications. No answer contains data of accounts, queues or metrics. */
export function publicApp(rt: Runtime, push: PushDeps): Express {
  return baseApp(rt, [exactRoutes({ ...healthRoutes(rt), ...pushRoutes(rt, push) })]);
}
