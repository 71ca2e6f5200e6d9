import { GoogleError, isTokenRefused } from '@syncline/google';

/** Quota, a dead grant, no access token: said of one item, it holds for all. */
export function isAccounts(error: GoogleError): boolean {
  const { kind } = error.detail;
  return kind === 'rate-limited' || kind === 'unauthorized' || isTokenRefused(error);
}

/** An answer that may be about one call alone: quota, keys and grants are the account's. */
export function isRefusedAlone(error: unknown): error is GoogleError {
  return error instanceof GoogleError && error.detail.kind !== 'key-missing' && !isAccounts(error);
}
