/**
 * Removes accounts, and resources of an account (`@syncline/control/removal`). The caller does the
 * work itself and waits for its end; workers finish interrupted removals.
 */
import { type Google, GoogleError } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { NamedAccount, Resource, Store } from '@syncline/store';
import * as engine from '@syncline/sync';

export type { RemovalStep, Revocation } from '@syncline/sync';

interface Deps {
  store: Store;
  google: Google;
}

export type AccountRemoval =
  | {
      kind: 'removed';
      /** Rows that this call erased. */
      rows: number;
      grant: engine.Revocation;
      /** Tenants whose accounts need the grant. */
      sharedWith: string[];
    }
  /**
   * Google could not be asked to revoke the grant. The account is stopped, and workers try again.
   * @property missingKey the id of the master key that this process lacks
   */
  | { kind: 'grant-not-revoked'; error: GoogleError; missingKey: string | null };

export type ResourceRemoval =
  /** @property resources the resources that are still mirrored */
  | { kind: 'removed'; rows: number; resources: Resource[] }
  | { kind: 'refused'; because: 'being-removed' | 'not-mirrored' | 'last-resource' }
  /**
   * Google could not be asked to end its watches. The resource is no longer mirrored, and workers
   * try again.
   */
  | { kind: 'watches-not-stopped'; error: GoogleError };

/** Stops the account, revokes its grant unless another account needs it, and erases every row. */
export async function removeAccount(
  rt: Runtime,
  deps: Deps,
  { account, keepGrant }: { account: Pick<NamedAccount, 'id'>; keepGrant: boolean },
  onProgress: (step: engine.RemovalStep) => void = () => undefined,
): Promise<AccountRemoval> {
  let grant: engine.Revocation = 'already-gone';
  let sharedWith: string[] = [];
  const note = (step: engine.RemovalStep): void => {
    if (step.step === 'revoked') ({ how: grant, sharedWith } = step);
    onProgress(step);
  };
  try {
    const rows = await engine.removeAccount(rt, deps, account.id, note, { keepGrant });
    return { kind: 'removed', rows, grant, sharedWith };
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error;
    const { detail } = error;
    const missingKey = detail.kind === 'key-missing' ? detail.keyId : null;
    return { kind: 'grant-not-revoked', error, missingKey };
  }
}

/**
 * Stops mirroring a resource, and erases its rows.
 * @param onProgress receives the number of rows erased so far
 */
export async function removeResource(
  rt: Runtime,
  deps: Deps,
  { account, resource }: { account: NamedAccount; resource: Resource },
  onProgress: (rows: number) => void = () => undefined,
): Promise<ResourceRemoval> {
  try {
    const rows = await engine.removeResource(rt, deps, account.id, resource, onProgress);
    if (rows === null) return { kind: 'refused', because: refusal(account, resource) };
    const resources = account.resources.filter((one) => one !== resource);
    return { kind: 'removed', rows, resources };
  } catch (error) {
    if (error instanceof GoogleError) return { kind: 'watches-not-stopped', error };
    throw error;
  }
}

function refusal(
  { state, resources }: NamedAccount,
  resource: Resource,
): Extract<ResourceRemoval, { kind: 'refused' }>['because'] {
  if (state === 'removing') return 'being-removed';
  return resources.includes(resource) ? 'last-resource' : 'not-mirrored';
}
