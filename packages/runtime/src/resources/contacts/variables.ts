import type { z } from 'zod';
import { limit, whole } from '../../zod-forms.js';

/* The People API's variables and keys of GOOGLE_PROJECTS_FILE, and the resulting settings. */

export interface PeopleQuotas {
  peopleRequestsPerUserMinute: number;
  peopleRequestsPerProjectMinute: number;
}

/**
 * Google publishes no numbers; each project's are on its quota page in the Cloud console. 90 per
 * user and minute is what users report for "Critical read requests" and "Read requests"
 * (MrCaspan/GAS-Gmail-Signature-Templator #1 of 2023, and clients of 2026; one report has 60).
 * Nobody reports a limit per project, so its default bounds nothing.
 */
export const PEOPLE_QUOTA_VARIABLES = {
  PEOPLE_REQUESTS_PER_USER_MINUTE: whole(1, 1e9).default(90),
  PEOPLE_REQUESTS_PER_PROJECT_MINUTE: whole(1, 1e9).default(1_000_000),
};

export const PEOPLE_PROJECT_KEYS = {
  peopleRequestsPerUserMinute: limit(1e9),
  peopleRequestsPerProjectMinute: limit(1e9),
};

type QuotaValues = Record<keyof typeof PEOPLE_QUOTA_VARIABLES, number>;
type ProjectValues = {
  [Key in keyof typeof PEOPLE_PROJECT_KEYS]?: z.infer<(typeof PEOPLE_PROJECT_KEYS)[Key]>;
};

export function peopleQuotas(values: QuotaValues): PeopleQuotas {
  return {
    peopleRequestsPerUserMinute: values.PEOPLE_REQUESTS_PER_USER_MINUTE,
    peopleRequestsPerProjectMinute: values.PEOPLE_REQUESTS_PER_PROJECT_MINUTE,
  };
}

/**
 * Returns the quotas of a further project. Limits that its entry omits are those of the default
 * project.
 */
export function peopleQuotasOf(entry: ProjectValues, defaults: PeopleQuotas): PeopleQuotas {
  return {
    peopleRequestsPerUserMinute:
      entry.peopleRequestsPerUserMinute ?? defaults.peopleRequestsPerUserMinute,
    peopleRequestsPerProjectMinute:
      entry.peopleRequestsPerProjectMinute ?? defaults.peopleRequestsPerProjectMinute,
  };
}
