import {
  CALENDAR_PROJECT_KEYS,
  CALENDAR_QUOTA_VARIABLES,
  calendarQuotas,
  calendarQuotasOf,
  type CalendarQuotas,
} from './calendar/variables.js';
import {
  PEOPLE_PROJECT_KEYS,
  PEOPLE_QUOTA_VARIABLES,
  peopleQuotas,
  peopleQuotasOf,
  type PeopleQuotas,
} from './contacts/variables.js';
import {
  GMAIL_LIMIT_KEYS,
  GMAIL_PROJECT_FORMS,
  GMAIL_PROJECT_KEYS,
  GMAIL_PUSH_VARIABLES,
  GMAIL_QUOTA_VARIABLES,
  gmailQuotas,
  gmailQuotasOf,
  type GmailQuotas,
} from './gmail/variables.js';

/* The registry of each resource's configuration. */

export type Quotas = GmailQuotas & CalendarQuotas & PeopleQuotas;

export const QUOTA_VARIABLES = {
  ...GMAIL_QUOTA_VARIABLES,
  ...CALENDAR_QUOTA_VARIABLES,
  ...PEOPLE_QUOTA_VARIABLES,
};
export const PUSH_VARIABLES = { ...GMAIL_PUSH_VARIABLES };

/** Names of the variables that concern one resource. */
export const RESOURCE_VARIABLES = [
  ...Object.keys(QUOTA_VARIABLES),
  ...Object.keys(PUSH_VARIABLES),
] as (keyof typeof QUOTA_VARIABLES | keyof typeof PUSH_VARIABLES)[];

/**
 * Keys of a project in GOOGLE_PROJECTS_FILE, and the required form of those that are not numbers.
 */
export const PROJECT_KEYS = {
  ...GMAIL_LIMIT_KEYS,
  ...CALENDAR_PROJECT_KEYS,
  ...PEOPLE_PROJECT_KEYS,
  ...GMAIL_PROJECT_KEYS,
};
export const PROJECT_FORMS = { ...GMAIL_PROJECT_FORMS };

export function toQuotas(
  values: Parameters<typeof gmailQuotas>[0] &
    Parameters<typeof calendarQuotas>[0] &
    Parameters<typeof peopleQuotas>[0],
): Quotas {
  return { ...gmailQuotas(values), ...calendarQuotas(values), ...peopleQuotas(values) };
}

/** Returns the quotas of a further project. */
export function quotasOf(
  entry: Parameters<typeof gmailQuotasOf>[0] &
    Parameters<typeof calendarQuotasOf>[0] &
    Parameters<typeof peopleQuotasOf>[0],
  defaults: Quotas,
): Quotas {
  return {
    ...gmailQuotasOf(entry, defaults),
    ...calendarQuotasOf(entry, defaults),
    ...peopleQuotasOf(entry, defaults),
  };
}

export { channelAddressAt } from './calendar/variables.js';
export {
  missingForNotifications,
  readServiceAccount,
  toPush,
  topicsWithoutSubscription,
  type Push,
} from './gmail/push-config.js';
export { topicsOf } from './gmail/variables.js';
