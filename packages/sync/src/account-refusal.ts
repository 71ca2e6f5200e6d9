import { GoogleError, isTokenRefused } from '@syncline/google';

/**
 * Whether an error about one item holds for the whole account: quota, a refused grant, no access
 * token.
 */
export function isAccountWideError(error: GoogleError): boolean {
  const { kind } = error.detail;
  return kind === 'rate-limited' || kind === 'unauthorized' || isTokenRefused(error);
}

/**
 * Whether a refusal may concern one call only. Quota, keys and grants concern the whole account.
 */
export function isRefusedAlone(error: unknown): error is GoogleError {
  return (
    error instanceof GoogleError &&
    error.detail.kind !== 'key-missing' &&
    !isAccountWideError(error)
  );
}
