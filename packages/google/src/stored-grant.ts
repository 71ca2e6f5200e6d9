/** The stored grant of an account, and the error for each grant that cannot be used. */
import { unreachable } from '@syncline/runtime';
import type { DelegatedGrant } from './delegation.js';
import { GoogleError } from './errors.js';
import { REFRESH } from './refresh-token.js';

/**
 * The stored grant of an account. `version` increases when the token may have been replaced, and
 * when it should be tried again.
 */
export type StoredGrant =
  | { kind: 'stored'; refreshToken: string; version: number }
  | DelegatedGrant
  | { kind: 'none' }
  /**
   * This process lacks the master key with this id, which other processes have; nothing is wrong
   * with the account. With `newerFormat` a later version of the program sealed the grant in that
   * format, and this process is too old to open it.
   */
  | { kind: 'key-missing'; keyId: string; newerFormat?: number }
  /** The grant cannot be decrypted although its key is present, or its key is lost. */
  | { kind: 'unreadable' };

/** Where grants are kept; the store's vault has this shape. */
export interface TokenStore {
  /** @throws Error when the account belongs to another project than `project` */
  grant(accountId: string, project?: string): Promise<StoredGrant>;
  /** Encrypts a value that will be stored in Redis, bound to the account. */
  seal(accountId: string, plain: string): string;
  /** @throws Error when `sealed` belongs to another account or the key has changed */
  open(accountId: string, sealed: string): string;
  /**
   * Called when Google replaced the refresh token of `version`; the old one may become invalid.
   * `key-missing`: nothing was stored, because this process's master key was replaced.
   */
  rotated?(
    accountId: string,
    refreshToken: string,
    version: number,
  ): Promise<boolean | Extract<StoredGrant, { kind: 'key-missing' }>>;
}

/** Reasons why an account is refused without a call to Google: it has no usable refresh token. */
export const UNUSABLE_CREDENTIALS: ReadonlySet<string> = new Set([
  'no refresh token is stored',
  'credential_unreadable',
]);

/** Returns the error to throw when there is no usable refresh token. */
export function withoutGrant(
  stored: Exclude<StoredGrant, { kind: 'stored' | 'delegated' }>,
): GoogleError {
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
