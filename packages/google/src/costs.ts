/**
 * Google's price list: quota units per call, by project tier. Calendar counts requests, so each of
 * its methods costs 1.
 */
import type { Tier } from './apis/api.js';
import { API_NAMES, APIS, METHODS, type Api, type Method } from './apis/facts.js';

export type { Tier } from './apis/api.js';
export { tierOf } from './apis/facts.js';
export type { Api, Method } from './apis/facts.js';

export function apiOf(method: Method): Api {
  return method.slice(0, method.indexOf('.')) as Api;
}

/** Returns `unit` or `request`, whichever the quota of the method's API counts. */
export function unitNameOf(method: string): string {
  const api = API_NAMES.find((name) => method.startsWith(`${name}.`));
  return api !== undefined && APIS[api].counts === 'requests' ? 'request' : 'unit';
}

/** Returns the units that one call of `method` costs. */
export function unitsOf(method: Method, tier: Tier): number {
  return METHODS[method].units[tier];
}
