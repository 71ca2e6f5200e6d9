/**
 * The errors of the People API. Its envelope has no `errors` list (recorded by Python clients, for
 * example mrmattwilkins/google-contacts-sync #1 and #2).
 */
import { peopleError } from '../http/errors.js';
import type { Reply } from '../http/reply.js';

/**
 * A parameter, or a token that does not suit the parameters (the text is that of
 * fleapower/Google-Script-Contacts-Sync #2, where a client sent an old sync token).
 */
export function invalidArgument(): Reply {
  return peopleError(400, 'Request contains an invalid argument.');
}

const PATHS =
  'Valid paths are documented at https://developers.google.com/people/api/rest/v1/people/get.';

/**
 * A mask is missing (googleapis/google-api-php-client-services #129; without the word mask for
 * readMask, as people.listDirectoryPeople answers).
 */
export function maskRequired(parameter: string): Reply {
  const what = parameter === 'personFields' ? 'personFields mask' : parameter;
  return peopleError(400, `${what} is required. Please specify one or more valid paths. ${PATHS}`);
}

/** A mask names an unknown field (recorded for personFields in securesocial's tests). */
export function invalidMask(parameter: string, path: string): Reply {
  return peopleError(400, `Invalid ${parameter} mask path: "${path}". ${PATHS}`);
}

/**
 * The token is older than seven days. The reason is documented at people.connections.list, the rest
 * is recorded (garrytan/gbrain #5127, freed-project/freed #1976, both of 2026).
 */
export function expiredSyncToken(): Reply {
  return peopleError(
    400,
    'Sync token is expired. Clear local cache and retry call without the sync token.',
    {
      status: 'FAILED_PRECONDITION',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'EXPIRED_SYNC_TOKEN',
          domain: 'people.googleapis.com',
        },
      ],
    },
  );
}

/**
 * The fixed quota of the first page of a full sync: "If the quota is exceeded, a 429 error will be
 * returned" (people.connections.list). No answer is recorded; this is the one that the same server
 * gave for another quota (rapidwebltd/php-google-people-api #45).
 */
export function fullSyncQuotaExceeded(): Reply {
  return peopleError(429, 'Resource has been exhausted (e.g. check quota).', {
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
        violations: [{ subject: 'QUOTA_EXCEEDED', description: 'FBS quota limit exceeded' }],
      },
    ],
  });
}
