/** Comparing the mirror with Google, and repairing it (`@syncline/control/verification`). */
import { type Google, GoogleError } from '@syncline/google';
import type { Config, Runtime } from '@syncline/runtime';
import { RESOURCE_NAMES, resourceOf, type AccountView, type Resource } from '@syncline/store';
import type { Store } from '@syncline/store';
import { type VerifyReport, repairDrift, verifyAccount } from '@syncline/sync';

export type { VerifyReport } from '@syncline/sync';

interface Deps {
  store: Store;
  google: Google;
  /** What is mirrored, and how often it is synced. */
  config: Pick<Config, 'mirror' | 'poll'>;
}

export interface VerifyInput {
  account: Pick<AccountView, 'id'>;
  resource: Resource;
  /**
   * Of a mailbox: ids and labels by listing, and the content of so many messages. Without it the
   * content of all is compared.
   */
  sample?: number | undefined;
}

export type Verified =
  /** @property sound nothing differs, and everything could be read */
  | { kind: 'compared'; report: VerifyReport; sound: boolean }
  | { kind: 'not-answered'; error: GoogleError };

export type Repaired =
  | { kind: 'repaired' }
  /** It stays requested, and is read as soon as the reason is over. */
  | { kind: 'postponed'; reason: string };

/** What the account has connected: only that can be compared. */
export function connectedResources({ collections }: Pick<AccountView, 'collections'>): Resource[] {
  return RESOURCE_NAMES.filter((resource) =>
    collections.some(({ kind }) => resourceOf(kind) === resource),
  );
}

/**
 * Costs what reading everything costs.
 * @param tell gets the number of items that were compared
 */
export async function verifyMirror(
  rt: Runtime,
  { store, google, config }: Deps,
  { account, resource, sample }: VerifyInput,
  tell: (checked: number) => void = () => undefined,
): Promise<Verified> {
  const options = { ...(sample === undefined ? {} : { sample }), progress: tell };
  const deps = { store, google, mirror: config.mirror };
  try {
    const report = await verifyAccount(rt, deps, account.id, resource, options);
    return { kind: 'compared', report, sound: isSound(report) };
  } catch (error) {
    if (error instanceof GoogleError) return { kind: 'not-answered', error };
    throw error;
  }
}

/**
 * Reads what differs, and nothing else, again. The collections run in this process, so that it does
 * not depend on a worker that may not be there.
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

/** An item that could not be read does not count as equal. */
function isSound({ missing, extra, stale, unread }: VerifyReport): boolean {
  return missing.length + extra.length + stale.length + unread.length === 0;
}
