/** The stored grant of an account, and the error for each grant that cannot be used. */
import { unreachable } from '@syncline/runtime';
import { GoogleError } from './errors.js';
import { REFRESH } from './refresh-token.js';

/**
 * The stored grant of an account. `version` increases when the token may have been replaced, and
 * when it should be tried again.
 */
export type StoredGrant =
  | { kind: 'stored'; refreshToken: string; version: number }
  | { kind: 'none' }
  /**
   * This process lacks the master key with this id, which other processes have; nothing is wrong
   * with the account. With `newerFormat` a later version of the program sealed the grant in that
   * format, and this process is too old to open it.
   */
  | { kind: 'key-missing'; keyId: string; newerFormat?: number }
  /** The grant cannot be decrypted although its key is present, or its key is lost. */
  | { kind: 'unreadable' };

/** Reasons why an account is refused without a call to Google: it has no usable refresh token. */
export const UNUSABLE_CREDENTIALS: ReadonlySet<string> = new Set([
  'no refresh token is stored',
  'credential_unreadable',
]);

/** Returns the error to throw when there is no usable refresh token. */
export function withoutGrant(stored: Exclude<StoredGrant, { kind: 'stored' }>): GoogleError {
  switch (stored.kind) {
    case 'none':
      return unauthorized('no refresh token is stored');
    case 'unreadable':
      return unauthorized('credential_unreadable');
    case 'key-missing':
      return new GoogleError(REFRESH, stored);
    default:
      return unreachable(stored);
  }
}

function unauthorized(reason: string): GoogleError {
  return new GoogleError(REFRESH, { kind: 'unauthorized', reason });
}
