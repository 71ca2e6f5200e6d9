/** Compares the mirror with Google, and repairs it (`@syncline/control/verification`). */
import { type Google, GoogleError } from '@syncline/google';
import type { Config, Runtime } from '@syncline/runtime';
import { RESOURCE_NAMES, resourceOf, type AccountView, type Resource } from '@syncline/store';
import type { Store } from '@syncline/store';
import { type VerifyReport, repairDrift, verifyAccount } from '@syncline/sync';

export type { VerifyReport } from '@syncline/sync';

interface Deps {
  store: Store;
  google: Google;
  /** The scope of the mirror, and the intervals of its syncs. */
  config: Pick<Config, 'mirror' | 'poll'>;
}

export interface VerifyInput {
  account: Pick<AccountView, 'id'>;
  resource: Resource;
  /**
   * Of a mailbox, compares ids and labels by listing, and the content of this many messages;
   * absent: the content of all.
   */
  sample?: number | undefined;
}

export type Verified =
  /** @property isEqual whether nothing differs and everything could be read */
  | { kind: 'compared'; report: VerifyReport; isEqual: boolean }
  | { kind: 'not-answered'; error: GoogleError };

export type Repaired =
  | { kind: 'repaired' }
  /** The request stays, and is served once the reason has ended. */
  | { kind: 'postponed'; reason: string };

/** Returns the resources that the account has connected; only these can be compared. */
export function connectedResources({ collections }: Pick<AccountView, 'collections'>): Resource[] {
  return RESOURCE_NAMES.filter((resource) =>
    collections.some(({ kind }) => resourceOf(kind) === resource),
  );
}

/**
 * Compares the mirror with Google; costs as much quota as reading everything.
 * @param onProgress receives the number of items compared so far
 */
export async function verifyMirror(
  rt: Runtime,
  { store, google, config }: Deps,
  { account, resource, sample }: VerifyInput,
  onProgress: (checked: number) => void = () => undefined,
): Promise<Verified> {
  const options = { ...(sample === undefined ? {} : { sample }), progress: onProgress };
  const deps = { store, google, mirror: config.mirror };
  try {
    const report = await verifyAccount(rt, deps, account.id, resource, options);
    return { kind: 'compared', report, isEqual: hasNoDifference(report) };
  } catch (error) {
    if (error instanceof GoogleError) return { kind: 'not-answered', error };
    throw error;
  }
}

/**
 * Reads again exactly the items that differ. The collections run in this process, so that the
 * repair does not depend on a running worker.
 */
export async function repairMirror(
  rt: Runtime,
  { store, google, config }: Deps,
  account: AccountView,
  report: VerifyReport,
): Promise<Repaired> {
  const collectionIds = account.collections
    .filter(({ kind, state }) => resourceOf(kind) === report.resource && state === 'active')
    .map(({ id }) => id);
  const reason = await repairDrift(
    rt,
    { store, google, policy: config.poll, mirror: config.mirror },
    { accountId: account.id, collectionIds },
    report,
  );
  return reason === null ? { kind: 'repaired' } : { kind: 'postponed', reason };
}

/**
 * Whether the comparison found no difference. An item that could not be read does not count as
 * equal.
 */
function hasNoDifference({ missing, extra, stale, unread }: VerifyReport): boolean {
  return missing.length + extra.length + stale.length + unread.length === 0;
}
