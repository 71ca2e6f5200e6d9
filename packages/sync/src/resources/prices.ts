import { calendarPrices, type CalendarPrices, type CalendarShape } from './calendar/prices.js';
import { contactsPrices, type ContactsPrices, type ContactsShape } from './contacts/prices.js';
import type { MailShape } from './gmail/prices.js';

/* The registry of the resources' prices in Google's quota. */

/** The properties of an account that its price depends on. */
export type ResourceShape = MailShape & CalendarShape & ContactsShape;

/** Prices per request. */
export type ListingPrices = CalendarPrices & ContactsPrices;

export function listingPrices(shape: ResourceShape): ListingPrices {
  return { ...calendarPrices(shape), ...contactsPrices(shape) };
}

export { contactPolls as peoplePolls, peopleLimits } from './contacts/prices.js';
export {
  mailboxUnits,
  messageUnits,
  steadyUnits,
  unitLimits,
  type UnitLimits,
} from './gmail/prices.js';
