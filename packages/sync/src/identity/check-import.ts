import { GoogleError, type Google } from '@syncline/google';
import { unreachable, type Runtime } from '@syncline/runtime';
import {
  DEFAULT_RESOURCES,
  type AccountImport,
  type KnownIdentity,
  type Store,
} from '@syncline/store';
import { grantRefused } from '../outcome.js';
import { ownerOfGrant, type Checked } from './ask-google.js';
import { noteRefusal } from './check-grant.js';
import { sameAddress } from './identity-outcome.js';
import { heldAccountState, type Held } from './words.js';

/*
 * Checks a grant before it is imported, while it can still be refused: nothing of a refused grant
 * is stored, and the account keeps what it had. If Google does not answer, the import continues,
 * and the account's first run checks the grant before it writes anything.
 */

export type ImportCheck =
  /** @property checked false: the account's first run checks the grant */
  | { kind: 'import'; account: AccountImport; checked: boolean }
  /** Imported; the account waits for a person. */
  | { kind: 'wait'; account: AccountImport; held: Held }
  /** Not imported. */
  | { kind: 'refused'; problem: string }
  /** Google did not answer: imported, and checked by the account's first run. */
  | { kind: 'no-answer'; account: AccountImport };

type OfferedTo = NonNullable<Awaited<ReturnType<Store['accounts']['offered']>>>;

/** An import runs in a terminal: a check that takes longer is left to the first sync. */
const MAX_QUOTA_WAIT_MS = 10_000;

/**
 * Checks an offered grant with Google. Sends no request for the grant that an active account has
 * already.
 */
export async function checkImport(
  rt: Runtime,
  { store, google }: { store: Store; google: Google },
  account: AccountImport,
): Promise<ImportCheck> {
  const offered = await store.accounts.offered(account);
  if (offered?.state === 'active' && offered.isKnownGrant)
    return { kind: 'import', account, checked: false };
  const known = (offered && (await store.grantChecks.known(offered.accountId))) ?? null;
  const { grant, project } = await offeredBy(store, account, known);
  const candidate = google.candidate(grant, {
    lane: 'live',
    project,
    signal: rt.signal,
    maxQuotaWaitMs: MAX_QUOTA_WAIT_MS,
  });
  const asKnown = known ? offeredGrant(known, account, offered) : newAccount(account);
  try {
    const checked = await ownerOfGrant(candidate, asKnown, store.grantChecks);
    const renewed = { ...account, refreshToken: candidate.refreshToken() };
    return await importCheckOf(
      rt,
      { store, google },
      { account: renewed, offered, asKnown, checked },
    );
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error;
    // Google may have replaced the refresh token before it failed.
    const renewed = { ...account, refreshToken: candidate.refreshToken() };
    return withoutAnswer(error, renewed, offered, rt.random.next());
  } finally {
    if (offered) await store.quota.record(offered.accountId, candidate.takeSpent());
  }
}

type Candidate = Parameters<Google['candidate']>[0];

/** @throws OperatorError when the delegation cannot be used for the account */
async function offeredBy(
  { delegations }: Store,
  account: AccountImport,
  known: KnownIdentity | null,
): Promise<{ grant: Candidate; project: string | undefined }> {
  const { delegation, refreshToken, project = known?.project } = account;
  if (delegation !== undefined)
    return delegations.grantFor({ resources: known?.resources, ...account, delegation });
  return { grant: { kind: 'stored', refreshToken: refreshToken ?? '' }, project };
}

interface Offer {
  account: AccountImport;
  offered: OfferedTo | null;
  asKnown: KnownIdentity;
  checked: Checked;
}

async function importCheckOf(
  rt: Runtime,
  deps: { store: Store; google: Google },
  { account, offered, asKnown, checked }: Offer,
): Promise<ImportCheck> {
  const { outcome, keys } = checked;
  switch (outcome.kind) {
    case 'same':
      return { kind: 'import', account: { ...account, owner: keys }, checked: true };
    case 'unproven':
      noteRefusal(rt, outcome, asKnown);
      return { kind: 'wait', account, held: heldAccountState(outcome, asKnown) };
    case 'other': {
      // The address was another account's before and now belongs to this person.
      if (offered?.isAlias && keys.address !== null && sameAddress(keys.address, account.email))
        return {
          kind: 'import',
          account: { ...account, owner: keys, isAnotherPerson: true },
          checked: true,
        };
      const held = heldAccountState(outcome, asKnown);
      noteRefusal(rt, outcome, { ...asKnown, accountId: offered?.accountId ?? null });
      if (offered) await keepCurrentGrant(rt, deps, offered, asKnown, held);
      return { kind: 'refused', problem: held.reason };
    }
    default:
      return unreachable(outcome);
  }
}

/**
 * The account keeps its current grant. If Google refuses that one too, the account waits, with the
 * reason.
 */
async function keepCurrentGrant(
  rt: Runtime,
  { store, google }: { store: Store; google: Google },
  { accountId, state }: OfferedTo,
  { grant, project }: KnownIdentity,
  held: Held,
): Promise<void> {
  if (state !== 'active') {
    await store.grantChecks.note(accountId, held);
    return;
  }
  try {
    await google.tryAgain(accountId, project);
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error;
    if (error.detail.kind !== 'unauthorized') return;
    // The account's current grant is its own nevertheless, and Google may accept it again.
    const refused = grantRefused(error.detail, rt.random.next());
    await store.grantChecks.hold(accountId, grant, { state: 'reauth_required', ...refused });
    await store.grantChecks.note(accountId, held);
  }
}

function withoutAnswer(
  error: GoogleError,
  account: AccountImport,
  offered: OfferedTo | null,
  jitter: number,
): ImportCheck {
  switch (error.detail.kind) {
    case 'unavailable':
      return { kind: 'no-answer', account };
    case 'unauthorized': {
      const refused = grantRefused(error.detail, jitter);
      // An active account's current grant may still be valid.
      if (offered?.state === 'active' && !offered.isKnownGrant)
        return { kind: 'refused', problem: refused.reason };
      // Google has just answered, so no run needs to ask again.
      return { kind: 'wait', account, held: { state: 'reauth_required', ...refused } };
    }
    default:
      return { kind: 'import', account, checked: false };
  }
}

/** Results of earlier checks do not apply to the offered grant, unless it is the same grant. */
export function offeredGrant(
  known: KnownIdentity,
  { resources = known.resources }: Pick<AccountImport, 'resources'>,
  offered: Pick<OfferedTo, 'isKnownGrant'> | null,
): KnownIdentity {
  const isKnownGrant = offered?.isKnownGrant === true;
  return {
    ...known,
    resources: [...new Set([...known.resources, ...resources])],
    verified: known.verified && isKnownGrant,
    vouched: known.vouched && isKnownGrant,
  };
}

function newAccount({ tenant, email, project, resources }: AccountImport): KnownIdentity {
  return {
    accountId: '',
    tenant,
    email,
    aliases: [],
    project: project ?? 'default',
    resources: resources ?? DEFAULT_RESOURCES,
    googleSub: null,
    grant: 0,
    version: 0,
    verified: false,
    vouched: false,
    hasRows: false,
    hasMessages: false,
    primaryAddress: null,
    people: [],
  };
}
