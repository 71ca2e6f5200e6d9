/** Keys of the HTTP API (`@syncline/control/api-keys`). */
import { SCOPES, type Scope } from '@syncline/contract/scopes';
import type { ApiKeyRow, ApiKeys } from '@syncline/store';
import type { Caller } from './authentication.js';
import { newKey } from './key.js';

export { openKeyCheck, type Caller, type KeyCheck, type KeyRefusal } from './authentication.js';

interface KeyRequest {
  name: string;
  scopes: readonly Scope[];
  /** Null: every tenant. */
  tenant: string | null;
  /** Null: never. */
  expiresAt: Date | null;
}

/** A key with its secret, which is not stored: the caller shows it once. */
export type MadeKey = ApiKeyRow & { key: string };

type Store<Method extends keyof ApiKeys> = { store: { apiKeys: Pick<ApiKeys, Method> } };

/**
 * Makes a key. There is no default key.
 * @param maker null: a command
 * @returns null when the tenant has as many keys as it may
 */
export async function createApiKey(
  { store }: Store<'create'>,
  { name, scopes, tenant, expiresAt }: KeyRequest,
  maker: Pick<Caller, 'keyId'> | null = null,
): Promise<MadeKey | null> {
  const { id, key, hash } = newKey();
  const ordered = SCOPES.filter((scope) => scopes.includes(scope));
  const createdBy = maker?.keyId ?? null;
  const made = await store.apiKeys.create({
    id,
    hash,
    name,
    tenant,
    scopes: ordered,
    createdBy,
    expiresAt,
  });
  return made && { ...made, key };
}

export function listApiKeys({ store }: Store<'list'>): Promise<ApiKeyRow[]> {
  return store.apiKeys.list();
}

/** @returns null when there is no such key */
export function revokeApiKey({ store }: Store<'revoke'>, id: string): Promise<ApiKeyRow | null> {
  return store.apiKeys.revoke(id);
}

/**
 * Makes a successor with the same name, rights and end, and ends the key after the overlap.
 * @returns null when the key is revoked, has expired or has a successor
 */
export async function rotateApiKey(
  { store }: Store<'rotate'>,
  id: string,
  { overlapMs }: { overlapMs: number },
  maker: Pick<Caller, 'keyId'> | null = null,
): Promise<MadeKey | null> {
  const { key, ...successor } = newKey();
  const createdBy = maker?.keyId ?? null;
  const made = await store.apiKeys.rotate(id, { ...successor, createdBy }, overlapMs);
  return made && { ...made, key };
}

/** What a key is allowed. */
interface Rights {
  tenant: string | null;
  scopes: Iterable<string>;
  expiresAt: Date | null;
}

/**
 * Returns why a key must not give these rights to another one; null when it may. Pure.
 * @returns a sentence for a person
 */
export function excessOf(
  own: Pick<Caller, 'tenant' | 'scopes' | 'expiresAt'>,
  given: Rights,
): string | null {
  const ownScopes: ReadonlySet<string> = own.scopes;
  const missing = [...given.scopes].filter((scope) => !ownScopes.has(scope));
  if (missing.length > 0) return `The key of the request does not have ${missing.join(', ')}.`;
  if (own.tenant !== null && given.tenant !== own.tenant)
    return 'The key of the request belongs to another tenant.';
  const isLater =
    own.expiresAt !== null && (given.expiresAt === null || given.expiresAt > own.expiresAt);
  return isLater ? 'The key of the request ends earlier.' : null;
}
