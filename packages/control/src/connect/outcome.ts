/** Decides what a grant of the connect page means, and writes it. */
import type { ConnectOutcome } from '@syncline/contract/connect-outcomes';
import type { Google } from '@syncline/google';
import type { Consent, Granted } from '@syncline/google/consent';
import { unreachable, type Runtime } from '@syncline/runtime';
import {
  AccountBeingRemoved,
  ResourceBeingErased,
  type AccountImport,
  type ConnectSessionRow,
  type KnownIdentity,
  type Resource,
  type Store,
} from '@syncline/store';
import { checkConnection } from '@syncline/sync';
import { coveredBy, useOfGrant, type GrantUse } from './grant.js';

export interface GrantDeps {
  store: Pick<Store, 'connectSessions' | 'grantChecks' | 'quota' | 'keys' | 'vault'> & {
    accounts: Pick<Store['accounts'], 'offered'>;
  };
  google: Google;
  consent: Consent;
}

/** Why nothing was connected. */
interface Refused {
  outcome: ConnectOutcome;
  missing?: Resource[];
  addresses?: string[];
  subject: string | null;
}

/** A known account that the grant may belong to. */
interface Candidate {
  known: KnownIdentity;
  state: string;
  /** Whether it was found by a former address only. */
  isAlias: boolean;
}

/**
 * Connects the account, or refuses before anything of it was written. A refused grant is revoked,
 * unless an account of this person and project needs it: a revocation ends every grant of both.
 */
export async function useGrant(
  rt: Runtime,
  deps: GrantDeps,
  session: ConnectSessionRow,
  granted: Granted,
): Promise<ConnectOutcome> {
  const candidate = await candidateFor(deps, session, granted);
  const result = await connected(rt, deps, { session, granted, candidate });
  if (!('subject' in result)) return result.outcome;
  await deps.store.connectSessions.fail(session, { ...result, reason: null });
  await revokeRefused(rt, deps, session, granted);
  return result.outcome;
}

/**
 * Returns the account that the session reconnects, or has connected; null: any. Other accounts, of
 * which an earlier attempt was refused, bind nobody.
 */
export function ownAccount({
  state,
  target,
  subject,
}: Pick<ConnectSessionRow, 'state' | 'target' | 'subject'>): string | null {
  return state === 'connected' ? subject : target;
}

/** The account to reconnect; otherwise that of the `sub`, otherwise that of the address. */
async function candidateFor(
  { store }: GrantDeps,
  session: ConnectSessionRow,
  { owner, refreshToken }: Granted,
): Promise<Candidate | null> {
  const { connectSessions, grantChecks } = store;
  const { tenant, project } = session;
  const bySub =
    ownAccount(session) ?? (await connectSessions.accountOf({ tenant, project, sub: owner.sub }));
  const offered =
    bySub === null
      ? await store.accounts.offered({
          tenant,
          email: owner.address,
          refreshToken: refreshToken ?? '',
        })
      : null;
  const id = bySub ?? offered?.accountId ?? null;
  if (id === null) return null;
  const [known, state] = await Promise.all([
    grantChecks.known(id),
    connectSessions.accountState(id),
  ]);
  return known === null || state === null
    ? null
    : { known, state, isAlias: offered?.isAlias ?? false };
}

interface Attempt {
  session: ConnectSessionRow;
  granted: Granted;
  candidate: Candidate | null;
}

type Result = { outcome: ConnectOutcome } | Refused;

async function connected(rt: Runtime, deps: GrantDeps, attempt: Attempt): Promise<Result> {
  const { session, granted, candidate } = attempt;
  const subject = ownAccount(session);
  if (candidate === null && subject !== null) return { outcome: 'account-busy', subject };
  if (candidate?.state === 'removing')
    return { outcome: 'account-busy', subject: candidate.known.accountId };
  const covered = coveredBy(granted.scopes);
  const asked = useOfGrant(session.resources, covered, knownOf(candidate));
  if (asked.kind === 'nothing')
    return { outcome: 'nothing-granted', missing: asked.missing, subject };
  const { refreshToken } = granted;
  if (refreshToken === null) return { outcome: 'no-lasting-permission', subject };
  const offer = { ...attempt, refreshToken };
  if (candidate === null) return importGrant(deps, offer, asked, newAccount(offer));
  return ofKnown(rt, deps, { ...offer, candidate }, asked);
}

function knownOf(candidate: Candidate | null) {
  return (
    candidate && { resources: candidate.known.resources, isActive: candidate.state === 'active' }
  );
}

type Offer = Attempt & { refreshToken: string };

/** The identity rules of an import decide. */
async function ofKnown(
  rt: Runtime,
  deps: GrantDeps,
  offer: Offer & { candidate: Candidate },
  use: GrantUse,
): Promise<Result> {
  const { session, granted, refreshToken } = offer;
  const { known, isAlias } = offer.candidate;
  const subject = known.accountId;
  const check = await checkConnection(rt, deps, known, {
    refreshToken,
    project: session.project,
    resources: use.kind === 'take' ? use.resources : known.resources,
    owner: granted.owner,
    isAlias,
  });
  switch (check.kind) {
    case 'same':
      return importGrant(deps, offer, use, ofAccount(offer, known.email), check.isRenamed);
    case 'new-owner':
      return importGrant(
        deps,
        offer,
        useOfGrant(session.resources, coveredBy(granted.scopes), null),
        {
          ...newAccount(offer),
          isAnotherPerson: true,
        },
      );
    case 'other': {
      const outcome = check.sameAddress ? 'address-conflict' : 'wrong-account';
      return { outcome, addresses: [check.address, check.knownAddress], subject };
    }
    case 'unproven':
      return { outcome: 'identity-unproven', subject };
    case 'no-answer':
      return { outcome: 'google-unavailable', subject };
    default:
      return unreachable(check);
  }
}

type ImportBase = Omit<AccountImport, 'resources'>;

function newAccount(offer: Offer): ImportBase {
  return ofAccount(offer, offer.granted.owner.address);
}

function ofAccount({ session, granted, refreshToken }: Offer, email: string): ImportBase {
  const { tenant, project } = session;
  return { tenant, email, project, refreshToken, owner: granted.owner };
}

async function importGrant(
  { store }: GrantDeps,
  { session, candidate }: Offer,
  use: GrantUse,
  account: ImportBase,
  isRenamed = false,
): Promise<Result> {
  const subject = candidate?.known.accountId ?? null;
  switch (use.kind) {
    case 'nothing':
      return { outcome: 'nothing-granted', missing: use.missing, subject };
    case 'fewer':
      return { outcome: 'fewer-granted', missing: use.missing, subject };
    case 'keep':
      await store.connectSessions.connect(
        session,
        { subject: subject ?? '' },
        { outcome: 'connected', missing: [] },
      );
      return { outcome: 'connected' };
    case 'take':
      return takeGrant(store, { session, subject }, use, account, isRenamed);
    default:
      return unreachable(use);
  }
}

async function takeGrant(
  { keys, connectSessions }: GrantDeps['store'],
  { session, subject }: { session: ConnectSessionRow; subject: string | null },
  { resources, missing }: Extract<GrantUse, { kind: 'take' }>,
  account: ImportBase,
  isRenamed: boolean,
): Promise<Result> {
  const outcome = missing.length > 0 ? 'partly-granted' : completeOutcome(isRenamed);
  await keys.beforeSealing();
  try {
    await connectSessions.connect(session, { ...account, resources }, { outcome, missing });
    return { outcome };
  } catch (error) {
    if (error instanceof AccountBeingRemoved || error instanceof ResourceBeingErased)
      return { outcome: 'account-busy', subject };
    throw error;
  }
}

function completeOutcome(isRenamed: boolean): ConnectOutcome {
  return isRenamed ? 'renamed' : 'connected';
}

async function revokeRefused(
  rt: Runtime,
  { store, consent }: GrantDeps,
  { id, project }: ConnectSessionRow,
  { owner, refreshToken, accessToken }: Granted,
): Promise<void> {
  if (await store.connectSessions.isShared({ project, ...owner })) return;
  if (!(await consent.revoke(project, refreshToken ?? accessToken)))
    rt.log.warn(
      { event: 'connect_grant_not_revoked', session: id },
      'Google did not answer: the grant of a refused connection was not revoked, and is stored nowhere',
    );
}
