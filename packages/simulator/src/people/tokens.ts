/** The tokens of the People API. They know the parameters that later calls must repeat. */
import { hashText } from '../prng.js';
import { seal, unseal } from '../sealed.js';

export interface SyncToken {
  /** The method and the account. */
  scope: string;
  /** See `parametersKey`. */
  parameters: number;
  revision: number;
  /** The start of the full sync that this token descends from. */
  beganMs: number;
  generation: number;
}

export interface PageToken {
  scope: string;
  parameters: number;
  /** The position of the last item that was returned. */
  after: number;
  /** The revision of the first page, which the sync token at the end will have. */
  revision: number;
  beganMs: number;
}

/** Identifies parameters that must be equal. */
export function parametersKey(parameters: readonly (string | number | boolean)[]): number {
  return hashText(JSON.stringify(parameters));
}

export function writeSyncToken(token: SyncToken): string {
  const { scope, parameters, revision, beganMs, generation } = token;
  return seal('ps', [scope, parameters, revision, beganMs, generation]);
}

/** Returns null for a malformed token. */
export function readSyncToken(text: string): SyncToken | null {
  const fields = unseal('ps', text);
  if (fields === null) return null;
  const [scope, parameters, revision, beganMs, generation] = fields as [
    string,
    number,
    number,
    number,
    number,
  ];
  return { scope, parameters, revision, beganMs, generation };
}

export function writePageToken(token: PageToken): string {
  const { scope, parameters, after, revision, beganMs } = token;
  return seal('pp', [scope, parameters, after, revision, beganMs]);
}

/** Returns null for a malformed token. */
export function readPageToken(text: string): PageToken | null {
  const fields = unseal('pp', text);
  if (fields === null) return null;
  const [scope, parameters, after, revision, beganMs] = fields as [
    string,
    number,
    number,
    number,
    number,
  ];
  return { scope, parameters, after, revision, beganMs };
}
