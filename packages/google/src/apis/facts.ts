import { CALENDAR_API, CALENDAR_METHODS } from './calendar/methods.js';
import { GMAIL_API, GMAIL_METHODS } from './gmail/methods.js';

/* The registry of Google's APIs: their quotas, methods and origins. What calls them is in index.ts. */

export const APIS = { gmail: GMAIL_API, calendar: CALENDAR_API } as const;

export type Api = keyof typeof APIS;

/** In this order the governor's scripts know them. */
export const API_NAMES = Object.keys(APIS) as readonly Api[];

/** Something of every API. */
export function byApi<T>(valueOf: (api: Api, at: number) => T): Record<Api, T> {
  return Object.fromEntries(API_NAMES.map((api, at) => [api, valueOf(api, at)])) as Record<Api, T>;
}

export const METHODS = { ...GMAIL_METHODS, ...CALENDAR_METHODS } as const;

/** By Google's own names; each begins with its API's name. */
export type Method = keyof typeof METHODS;

/** The API whose quota has a limit for the day as well. */
export const DAY_LIMITED = 'gmail' satisfies Api;

/** The project's price list. */
export { tierOf } from './gmail/methods.js';

/** Something for each API, and something more for the one with a limit for the day. */
export type ByApi<Each, OfDay> = {
  [Name in Api]: Name extends typeof DAY_LIMITED ? Each & OfDay : Each;
};
