import type { z } from 'zod';
import { limit, whole } from '../../zod-forms.js';

/* Calendar's variables and keys of GOOGLE_PROJECTS_FILE, and the resulting settings. */

export interface CalendarQuotas {
  calendarRequestsPerUserMinute: number;
  calendarRequestsPerProjectMinute: number;
}

export const CALENDAR_QUOTA_VARIABLES = {
  CALENDAR_REQUESTS_PER_USER_MINUTE: whole(1, 1e9).default(600),
  CALENDAR_REQUESTS_PER_PROJECT_MINUTE: whole(1, 1e9).default(10_000),
};

export const CALENDAR_PROJECT_KEYS = {
  calendarRequestsPerUserMinute: limit(1e9),
  calendarRequestsPerProjectMinute: limit(1e9),
};

type QuotaValues = Record<keyof typeof CALENDAR_QUOTA_VARIABLES, number>;
type ProjectValues = {
  [Key in keyof typeof CALENDAR_PROJECT_KEYS]?: z.infer<(typeof CALENDAR_PROJECT_KEYS)[Key]>;
};

export function calendarQuotas(values: QuotaValues): CalendarQuotas {
  return {
    calendarRequestsPerUserMinute: values.CALENDAR_REQUESTS_PER_USER_MINUTE,
    calendarRequestsPerProjectMinute: values.CALENDAR_REQUESTS_PER_PROJECT_MINUTE,
  };
}

/**
 * Returns the quotas of a further project. Limits that its entry omits are those of the default
 * project.
 */
export function calendarQuotasOf(entry: ProjectValues, defaults: CalendarQuotas): CalendarQuotas {
  return {
    calendarRequestsPerUserMinute:
      entry.calendarRequestsPerUserMinute ?? defaults.calendarRequestsPerUserMinute,
    calendarRequestsPerProjectMinute:
      entry.calendarRequestsPerProjectMinute ?? defaults.calendarRequestsPerProjectMinute,
  };
}

/**
 * Returns the address that channels notify.
 * @param baseUrl the public address of the API
 */
export function channelAddressAt(baseUrl: string): string {
  return `${baseUrl}/push/calendar`;
}
