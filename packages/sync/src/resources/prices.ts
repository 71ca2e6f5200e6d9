import type { CalendarPrices, CalendarShape } from './calendar/prices.js';
import type { MailShape } from './gmail/prices.js';

/* The registry of the resources' prices in Google's quota. */

/** The properties of an account that its price depends on. */
export type ResourceShape = MailShape & CalendarShape;

/** Prices per request. */
export type ListingPrices = CalendarPrices;

export { calendarPrices as listingPrices } from './calendar/prices.js';
export {
  mailboxUnits,
  messageUnits,
  steadyUnits,
  unitLimits,
  type UnitLimits,
} from './gmail/prices.js';
