import type { GoogleError } from '@syncline/google';
import { unreachable } from '@syncline/runtime';

interface GoogleProblem {
  problem:
    'not-found' | 'state-conflict' | 'quota-exhausted' | 'google-refused' | 'google-unavailable';
  detail: string;
  retryAfterS?: number;
}

/** What a call to Google that was not answered is to the client of the API. Pure. */
export function googleProblem({ detail }: Pick<GoogleError, 'detail'>): GoogleProblem {
  switch (detail.kind) {
    case 'rate-limited':
      return {
        problem: 'quota-exhausted',
        detail: `The quota of the ${SCOPES[detail.scope]} is used up.`,
        retryAfterS: Math.max(1, Math.ceil(detail.retryAfterMs / 1_000)),
      };
    case 'unavailable':
      return {
        problem: 'google-unavailable',
        detail: 'Google gave no usable answer.',
        retryAfterS: Math.max(1, Math.ceil((detail.retryAfterMs ?? 5_000) / 1_000)),
      };
    case 'key-missing':
      return {
        problem: 'google-unavailable',
        detail: 'This process cannot open the grant of the account.',
        retryAfterS: 60,
      };
    case 'unauthorized':
      return { problem: 'state-conflict', detail: 'Google no longer accepts the grant.' };
    case 'not-found':
      return { problem: 'not-found', detail: 'Google no longer has it.' };
    case 'forbidden':
    case 'rejected':
    case 'sync-position-expired':
    case 'endless-listing':
      return { problem: 'google-refused', detail: 'Google has refused the request.' };
    default:
      return unreachable(detail);
  }
}

const SCOPES = {
  user: 'Google account for this minute',
  closed: 'Google account, which Google has just refused,',
  project: 'Google project for this minute',
  day: 'Google project for this day',
  concurrency: 'Google account for requests at once',
} as const;
