import { openConsent } from '@syncline/google/consent';
import type { ConnectParts, PublicAddress } from '../../apps/api/src/connect/open.js';

/** The OAuth client that a test's connect pages have. */
const OAUTH_CLIENT = {
  clientId: 'connect-test.apps.googleusercontent.com',
  clientSecret: 'GOCSPX-connect-test-secret',
};

/**
 * What connect sessions need in a test.
 * @param address the API's, which is known when it listens
 */
export function connectParts(
  address: PublicAddress,
  {
    apiUrl = 'http://127.0.0.1:1',
    returnTo = [],
  }: { apiUrl?: string; returnTo?: readonly string[] } = {},
): ConnectParts {
  return {
    consent: openConsent({ apiUrl, clients: new Map([['default', OAUTH_CLIENT]]) }),
    settings: { publicUrl: () => address.url, returnTo, appName: 'Acme' },
  };
}
