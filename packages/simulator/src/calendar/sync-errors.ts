import { calendarError } from '../http/errors.js';
import type { Reply } from '../http/reply.js';
import type { Sim } from '../sim.js';
import { readSyncToken } from './tokens.js';

/** 410: the client must start a full sync. */
function fullSyncRequired(): Reply {
  const message = 'Sync token is no longer valid, a full sync is required.';
  return calendarError(410, message, 'fullSyncRequired', {
    domain: 'calendar',
    locationType: 'parameter',
    location: 'syncToken',
  });
}

/** 400: the text is not a sync token of this collection. */
function invalidSyncToken(): Reply {
  return calendarError(400, 'Invalid sync token value.', 'invalid', {
    locationType: 'parameter',
    location: 'syncToken',
  });
}

export function forbiddenWithSyncToken(parameter: string): Reply {
  return calendarError(400, `Sync token cannot be combined with ${parameter}.`, 'invalid', {
    locationType: 'parameter',
    location: parameter,
  });
}

export function invalidPageToken(): Reply {
  return calendarError(400, 'Invalid page token value.', 'invalid', {
    locationType: 'parameter',
    location: 'pageToken',
  });
}

/** Returns the revision of a token, or the error response. */
export function revisionOf(
  sim: Sim,
  text: string,
  scope: string,
  oldestGood: number,
): number | Reply {
  const token = readSyncToken(text);
  if (token === null || token.scope !== scope) return invalidSyncToken();
  const expired =
    token.revision < oldestGood ||
    sim.clock.nowMs() - token.issuedMs > sim.settings.syncTokenRetentionMs;
  return expired ? fullSyncRequired() : token.revision;
}
