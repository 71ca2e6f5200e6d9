import { CALENDAR_API, CALENDAR_METHODS } from './calendar/methods.js';
import { GMAIL_API, GMAIL_METHODS } from './gmail/methods.js';
import { PEOPLE_API, PEOPLE_METHODS } from './people/methods.js';

/*
 * The registry of Google's APIs: their quotas, methods and origins. The clients that call them are
 * in index.ts.
 */

export const APIS = { gmail: GMAIL_API, calendar: CALENDAR_API, people: PEOPLE_API } as const;

export type Api = keyof typeof APIS;

/** The names of the APIs, in the order in which the governor's scripts index them. */
export const API_NAMES = Object.keys(APIS) as readonly Api[];

/** Builds a record with one value for every API. */
export function byApi<T>(valueOf: (api: Api, at: number) => T): Record<Api, T> {
  return Object.fromEntries(API_NAMES.map((api, at) => [api, valueOf(api, at)])) as Record<Api, T>;
}

export const METHODS = { ...GMAIL_METHODS, ...CALENDAR_METHODS, ...PEOPLE_METHODS } as const;

/** Google's method names; each begins with its API's name. */
export type Method = keyof typeof METHODS;

/** The API whose quota also has a daily limit. */
export const DAY_LIMITED = 'gmail' satisfies Api;

/** Returns the price tier of a project. */
export { tierOf } from './gmail/methods.js';

/** A value for each API, with more for the one that has a daily limit. */
export type ByApi<Each, OfDay> = {
  [Name in Api]: Name extends typeof DAY_LIMITED ? Each & OfDay : Each;
};
