import { openConsent } from '@syncline/google/consent';
import type { ConnectParts, PublicAddress } from '../../apps/api/src/connect/open.js';

/**
 * What connect sessions need in a test.
 * @param address the API's, which is known when it listens
 */
export function connectParts(
  address: PublicAddress,
  {
    apiUrl = 'http://127.0.0.1:1',
    client = { id: 'test', secret: 'test' },
  }: { apiUrl?: string; client?: { id: string; secret: string } } = {},
): ConnectParts {
  return {
    consent: openConsent({
      apiUrl,
      clients: new Map([['default', { clientId: client.id, clientSecret: client.secret }]]),
    }),
    settings: { publicUrl: () => address.url, returnTo: [], appName: 'Acme' },
  };
}
