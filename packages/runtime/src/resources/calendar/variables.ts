import type { z } from 'zod';
import { limit, whole } from '../../zod-forms.js';

/* Calendar's variables and keys of GOOGLE_PROJECTS_FILE, and what they come to. */

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

/** Of a further project: what its entry leaves out is the default project's. */
export function calendarQuotasOf(entry: ProjectValues, defaults: CalendarQuotas): CalendarQuotas {
  return {
    calendarRequestsPerUserMinute:
      entry.calendarRequestsPerUserMinute ?? defaults.calendarRequestsPerUserMinute,
    calendarRequestsPerProjectMinute:
      entry.calendarRequestsPerProjectMinute ?? defaults.calendarRequestsPerProjectMinute,
  };
}

/** What channels post to. @param baseUrl the public address of the API */
export function channelAddressAt(baseUrl: string): string {
  return `${baseUrl}/push/calendar`;
}
