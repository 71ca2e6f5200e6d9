/** Reads the key file of a service account, as the Cloud console gives it. */
import { createPrivateKey } from 'node:crypto';
import { OperatorError } from '@syncline/runtime';
import type { DelegationOrder } from '@syncline/store';

/** Google signs with RS256, for which RFC 7518 wants 2,048 bits. */
const LEAST_BITS = 2_048;

/** @throws OperatorError that quotes nothing of the file */
export function readKeyFile(text: string): DelegationOrder['key'] {
  const file = parsed(text);
  if (file['type'] !== 'service_account')
    throw refused('its type is not service_account; the file of an OAuth client is another one');
  const field = (name: string): string => {
    const value = file[name];
    if (typeof value !== 'string' || value === '') throw refused(`it has no ${name}`);
    return value;
  };
  const key = {
    email: field('client_email'),
    clientId: field('client_id'),
    keyId: field('private_key_id'),
    privateKey: field('private_key'),
  };
  if (!/^[0-9]{1,40}$/.test(key.clientId)) throw refused('its client_id is not a number');
  requireUsable(key.privateKey);
  return key;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    // The parser's message would quote the file.
    throw refused('it is not JSON');
  }
}

function requireUsable(privateKey: string): void {
  let bits: number | undefined;
  try {
    const key = createPrivateKey(privateKey);
    bits = key.asymmetricKeyType === 'rsa' ? key.asymmetricKeyDetails?.modulusLength : 0;
  } catch {
    throw refused('its private_key is not a key in PEM');
  }
  if (bits === undefined || bits < LEAST_BITS)
    throw refused(`its private_key is not an RSA key of ${LEAST_BITS} bits or more`);
}

function refused(why: string): OperatorError {
  return new OperatorError(
    `This is not the key file of a service account: ${why}. Create a JSON key in the Cloud console (IAM & Admin > Service Accounts > Keys).`,
  );
}
