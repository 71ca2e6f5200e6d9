import { GoogleError, isTokenRefused } from '@syncline/google';

/** Quota, a dead grant, no access token: said of one item, it holds for all. */
export function isAccounts(error: GoogleError): boolean {
  const { kind } = error.detail;
  return kind === 'rate-limited' || kind === 'unauthorized' || isTokenRefused(error);
}
