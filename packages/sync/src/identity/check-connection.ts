import { GoogleError, type Google } from '@syncline/google';
import { unreachable, type Runtime } from '@syncline/runtime';
import type { AccountImport, KnownIdentity, Store } from '@syncline/store';
import { checkedOwner } from './ask-google.js';
import { noteRefusal } from './check-grant.js';
import { offeredGrant } from './check-import.js';
import { sameAddress } from './identity-outcome.js';
import { masked } from './words.js';

/*
 * Checks whether a grant of the connect page belongs to a known account, by the rules of an import.
 * Unlike an import it writes nothing: a person is there who can choose another Google account.
 */

type ConnectionCheck =
  /** @property isRenamed the account's address is a former one of this person */
  | { kind: 'same'; isRenamed: boolean }
  /** The address was the known account's before and now belongs to this person. */
  | { kind: 'new-owner' }
  /** Both addresses are masked. @property sameAddress the address has passed to another person */
  | { kind: 'other'; address: string; knownAddress: string; sameAddress: boolean }
  | { kind: 'unproven' }
  | { kind: 'no-answer' };

interface Connection {
  refreshToken: string;
  project: string;
  resources: NonNullable<AccountImport['resources']>;
  /** Named by a verified identity token. */
  owner: { sub: string; address: string };
  /** Whether the account was found by a former address only. */
  isAlias: boolean;
}

const MAX_QUOTA_WAIT_MS = 5_000;

/**
 * Sends a request only where stored rows have to be compared: the account was imported by a grant
 * that named no owner.
 */
export async function checkConnection(
  rt: Runtime,
  { store, google }: { store: Pick<Store, 'grantChecks' | 'quota'>; google: Google },
  known: KnownIdentity,
  connection: Connection,
): Promise<ConnectionCheck> {
  const { owner, refreshToken, project } = connection;
  const candidate = google.candidate(
    { kind: 'stored', refreshToken },
    {
      lane: 'live',
      project,
      signal: rt.signal,
      maxQuotaWaitMs: MAX_QUOTA_WAIT_MS,
    },
  );
  const asKnown = offeredGrant(known, connection, null);
  try {
    const checked = await checkedOwner(candidate, asKnown, store.grantChecks, owner);
    return checkOf(rt, checked.outcome, { known, owner, isAlias: connection.isAlias });
  } catch (error) {
    if (error instanceof GoogleError) return { kind: 'no-answer' };
    throw error;
  } finally {
    await store.quota.record(known.accountId, candidate.takeSpent());
  }
}

function checkOf(
  rt: Runtime,
  outcome: Awaited<ReturnType<typeof checkedOwner>>['outcome'],
  { known, owner, isAlias }: { known: KnownIdentity; owner: Connection['owner']; isAlias: boolean },
): ConnectionCheck {
  const isSameAddress = sameAddress(owner.address, known.email);
  switch (outcome.kind) {
    case 'same':
      return { kind: 'same', isRenamed: !isSameAddress };
    case 'unproven':
      noteRefusal(rt, outcome, known);
      return { kind: 'unproven' };
    case 'other':
      if (isAlias) return { kind: 'new-owner' };
      noteRefusal(rt, outcome, known);
      return {
        kind: 'other',
        address: masked(owner.address),
        knownAddress: masked(known.email),
        sameAddress: isSameAddress,
      };
    default:
      return unreachable(outcome);
  }
}
