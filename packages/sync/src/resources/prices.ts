import type { CalendarPrices, CalendarShape } from './calendar/prices.js';
import type { MailShape } from './gmail/prices.js';

/* The registry of what the resources cost of Google's quota. */

/** What the price of an account depends on. */
export type ResourceShape = MailShape & CalendarShape;

/** What is paid by the request. */
export type ListingPrices = CalendarPrices;

export { calendarPrices as listingPrices } from './calendar/prices.js';
export {
  mailboxUnits,
  messageUnits,
  steadyUnits,
  unitLimits,
  type UnitLimits,
} from './gmail/prices.js';
