import { GoogleError, type Google, type GoogleAccount } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import type { GoogleKeys } from './identity/ask-google.js';
import { addressOf } from './resources/identity.js';
import { stopWatches } from './watch/maintain.js';

/*
 * Removes an account: stop its work → wait for its runs → end its watches → the grant is
 * revoked → every row is erased, account and credential last. Each step may be repeated, and the
 * account's state alone records the removal, so it may be interrupted anywhere: the CLI does the
 * work itself, and workers finish what an interrupted CLI leaves. The grant is revoked before the
 * rows are erased, because the token is erased with them. Runs are waited for before that, because
 * Google must not be called with a revoked grant.
 */

type GrantUse = Awaited<ReturnType<Store['removal']['grantUse']>>;

export type RemovalStep =
  | { step: 'waiting'; ms: number }
  /** @property sharedWith tenants whose accounts need the grant */
  | { step: 'revoked'; how: Revocation; sharedWith: string[] }
  | { step: 'erased'; rows: number };

/**
 * What happened to the grant. `unreadable`: its refresh token cannot be decrypted, so Google could
 * not be asked; `refused`: Google refuses to revoke it; `shared`: other accounts of the same Google
 * account need it, since Google has one grant for a person and client; `maybe-shared`: other
 * accounts may need it; `kept`: as requested; `delegated`: a service account acts for the account, so
 * there is nothing to revoke.
 */
export type Revocation =
  | 'revoked'
  | 'already-gone'
  | 'refused'
  | 'unreadable'
  | 'shared'
  | 'maybe-shared'
  | 'kept'
  | 'delegated';

/**
 * @returns rows erased by this call
 * @throws GoogleError (transient errors) when Google cannot be asked to revoke the grant; the call
 * is to be repeated later
 */
export async function removeAccount(
  rt: Runtime,
  deps: { store: Store; google: Google },
  accountId: string,
  onProgress: (step: RemovalStep) => void = () => undefined,
  options: { keepGrant?: boolean } = {},
): Promise<number> {
  const { removal } = deps.store;
  await removal.begin(accountId, { keepGrant: options.keepGrant ?? false });
  for (
    let ms = await removal.leasesEndInMs(accountId);
    ms > 0;
    ms = await removal.leasesEndInMs(accountId)
  ) {
    onProgress({ step: 'waiting', ms });
    await rt.clock.sleep(ms, rt.signal);
  }
  const use = await grantUse(deps, accountId);
  const isLast = use.sharedWith.length === 0 && !use.maySupportOthers;
  await stopWatches(rt, deps, accountId, { isLast });
  onProgress({
    step: 'revoked',
    how: await revoke(rt, deps.google, accountId, use),
    sharedWith: use.sharedWith,
  });
  for (let rows = 0; ;) {
    const { erased, done } = await removal.eraseSome(accountId);
    onProgress({ step: 'erased', rows: (rows += erased) });
    if (!done) continue;
    await deps.google.forgetToken(accountId);
    return rows;
  }
}

/**
 * Returns who else uses the grant. Google is asked for its owner before it is revoked, unless no
 * other account can need it: a grant that was not checked yet may belong to a person whom other
 * accounts mirror, and an account that was not checked yet may belong to the owner of this one, under
 * an address that this account does not have yet.
 */
async function grantUse(
  { store, google }: { store: Store; google: Google },
  accountId: string,
): Promise<GrantUse> {
  const use = await store.removal.grantUse(accountId);
  if (use.keep || use.sharedWith.length > 0 || !(use.needsOwner || use.maySupportOthers))
    return use;
  // The owner's address may have changed since the cached token was issued.
  await google.forgetToken(accountId);
  const account = google.account(accountId, { lane: 'live', project: use.project });
  const owner = await ownerOf(account, use);
  // A checked grant that Google refuses is gone, so no other account can need it.
  if (owner === 'refused' && use.isChecked) return { ...use, maySupportOthers: false };
  return store.removal.grantUse(accountId, owner === 'refused' ? NO_KEYS : owner);
}

const NO_KEYS: GoogleKeys = { sub: null, address: null };

/** Returns Google's identifiers of the owner; null for each one that it does not give. */
async function ownerOf(google: GoogleAccount, use: GrantUse): Promise<GoogleKeys | 'refused'> {
  try {
    const owner = (await unlessRefused(google.owner())) ?? NO_KEYS;
    if (owner.address !== null) return owner;
    const reported = await unlessRefused(addressOf(google, use));
    return { sub: owner.sub, address: reported?.address ?? null };
  } catch (error) {
    if (error instanceof GoogleError && isGrantRefused(error)) return 'refused';
    throw error;
  }
}

async function unlessRefused<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof GoogleError) || passesByItself(error) || isGrantRefused(error))
      throw error;
    return null;
  }
}

function isGrantRefused({ detail }: GoogleError): boolean {
  return detail.kind === 'unauthorized';
}

function passesByItself({ detail }: GoogleError): boolean {
  return ['unavailable', 'rate-limited', 'key-missing'].includes(detail.kind);
}

/**
 * Finishes removals that no process has worked on for `idleMs`. One that meets a transient error is
 * left for the next round, with its reason.
 */
export async function finishRemovals(
  rt: Runtime,
  deps: { store: Store; google: Google },
  idleMs: number,
): Promise<number> {
  let finished = 0;
  for (const accountId of await deps.store.removal.abandoned(idleMs, REMOVALS_AT_ONCE)) {
    try {
      await removeAccount(rt, deps, accountId);
      finished += 1;
      rt.log.info({ event: 'account_removed', accountId }, 'an interrupted removal was finished');
    } catch (error) {
      if (!(error instanceof GoogleError)) throw error;
      await deps.store.removal.note(accountId, `being removed; ${error.message}, trying again`);
    }
  }
  return finished;
}

const REMOVALS_AT_ONCE = 10;

/**
 * Revokes the grant. A transient error is retried later; a permanent refusal must not keep the
 * customer's mail stored.
 */
async function revoke(
  rt: Runtime,
  google: Google,
  accountId: string,
  { project, identityId, keep, sharedWith, maySupportOthers }: GrantUse,
): Promise<Revocation> {
  if (sharedWith.length > 0) return 'shared';
  if (keep) return 'kept';
  if (maySupportOthers) return 'maybe-shared';
  try {
    return await google.revoke(accountId, { project, quotaUser: identityId ?? accountId });
  } catch (error) {
    if (!(error instanceof GoogleError) || passesByItself(error)) throw error;
    rt.log.warn(
      { event: 'revoke_refused', accountId, err: error },
      'Google refuses to revoke the grant; the account is erased nevertheless',
    );
    return 'refused';
  }
}
