import { GoogleError, type Google } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { Resource, Store } from '@syncline/store';
import { stopWatches } from './watch/maintain.js';

/*
 * Removes a resource from an account: stop its work → end its watches → every row of it is
 * erased, with its change events. Each step may be repeated; the command does the work itself, and
 * workers finish what an interrupted command leaves.
 */

interface Deps {
  store: Store;
  google: Google;
}

/**
 * @returns rows erased by this call, or null when the account does not have the resource, has no
 * other, or is being removed
 * @throws GoogleError (transient) when Google cannot be asked to end a watch; the call is to be
 * repeated later
 */
export async function removeResource(
  rt: Runtime,
  deps: Deps,
  accountId: string,
  resource: Resource,
  onProgress: (rows: number) => void = () => undefined,
): Promise<number | null> {
  const { removal, resourceErasure } = deps.store;
  if (!(await resourceErasure.begin(accountId, resource))) return null;
  const collections = new Set(await resourceErasure.collections(accountId, resource));
  const { sharedWith } = await removal.grantUse(accountId);
  await stopWatches(rt, deps, accountId, { isLast: sharedWith.length === 0, collections });
  for (let rows = 0; ;) {
    const { erased, done } = await resourceErasure.eraseSome(accountId, resource);
    onProgress((rows += erased));
    if (done) return rows;
  }
}

/**
 * Finishes removals whose command was killed. One that meets a transient error is left for the next
 * round.
 */
export async function finishResourceRemovals(
  rt: Runtime,
  deps: Deps,
  idleMs: number,
): Promise<number> {
  let finished = 0;
  for (const { accountId, resource } of await deps.store.resourceErasure.abandoned(
    idleMs,
    REMOVALS_AT_ONCE,
  )) {
    try {
      await removeResource(rt, deps, accountId, resource);
      finished += 1;
      rt.log.info(
        { event: 'resource_removed', accountId, resource },
        'an interrupted removal of a resource was finished',
      );
    } catch (error) {
      if (!(error instanceof GoogleError)) throw error;
    }
  }
  return finished;
}

const REMOVALS_AT_ONCE = 10;
