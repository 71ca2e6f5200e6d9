import { GoogleError, type Google, type GoogleAccount } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { GoogleKeys, GrantUse, Store } from '@syncline/store';
import { addressOf } from './resources/identity.js';
import { stopWatches } from './watch/maintain.js';

/*
 * Removes an account: no more work → every run is over → no more notifications → the grant is
 * revoked → every row is erased, account and credential last. Each step may be repeated, and the
 * account's state alone records the removal, so it may be interrupted anywhere: the CLI does the
 * work itself, and workers finish what an interrupted CLI leaves. The grant is revoked before the
 * rows are erased, because the token is erased with them. Runs are waited for before that, because
 * Google must not be called with a revoked grant.
 */

export type RemovalStep =
  | { step: 'waiting'; ms: number }
  /** @property sharedWith tenants whose accounts need the grant */
  | { step: 'revoked'; how: Revocation; sharedWith: string[] }
  | { step: 'erased'; rows: number };

/**
 * What happened to the grant. `unreadable`: its refresh token cannot be decrypted, so Google could
 * not be asked; `refused`: Google refuses to revoke it; `shared`: other accounts of the same Google
 * account need it, since Google has one grant for a person and client; `maybe-shared`: other
 * accounts may need it; `kept`: as requested.
 */
export type Revocation =
  'revoked' | 'already-gone' | 'refused' | 'unreadable' | 'shared' | 'maybe-shared' | 'kept';

/**
 * @returns rows erased by this call
 * @throws GoogleError (transient errors) when Google cannot be asked to revoke the grant; the call
 * is to be repeated later
 */
export async function removeAccount(
  rt: Runtime,
  deps: { store: Store; google: Google },
  accountId: string,
  tell: (step: RemovalStep) => void = () => undefined,
  options: { keepGrant?: boolean } = {},
): Promise<number> {
  const { removal } = deps.store;
  await removal.begin(accountId, { keepGrant: options.keepGrant ?? false });
  for (
    let ms = await removal.leasesEndInMs(accountId);
    ms > 0;
    ms = await removal.leasesEndInMs(accountId)
  ) {
    tell({ step: 'waiting', ms });
    await rt.clock.sleep(ms, rt.signal);
  }
  const use = await grantUse(deps, accountId);
  const isLast = use.sharedWith.length === 0 && !use.maySupportOthers;
  await stopWatches(rt, deps, accountId, { isLast });
  tell({
    step: 'revoked',
    how: await revoke(rt, deps.google, accountId, use),
    sharedWith: use.sharedWith,
  });
  for (let rows = 0; ;) {
    const { erased, done } = await removal.eraseSome(accountId);
    tell({ step: 'erased', rows: (rows += erased) });
    if (!done) continue;
    await deps.google.forgetToken(accountId);
    return rows;
  }
}

/**
 * Returns who else uses the grant. A grant that was not checked yet may belong to a person whom
 * other accounts mirror, so Google is asked for its owner before it is revoked.
 */
async function grantUse(
  { store, google }: { store: Store; google: Google },
  accountId: string,
): Promise<GrantUse> {
  const use = await store.removal.grantUse(accountId);
  const isShared = use.sharedWith.length > 0;
  if (use.isChecked || use.keep || isShared || !use.maySupportOthers) return use;
  const account = google.account(accountId, { lane: 'live', project: use.project });
  return store.removal.grantUse(accountId, await ownerOf(account, use));
}

/** Returns Google's identifiers of the owner; null for each one that it refuses to give. */
async function ownerOf(google: GoogleAccount, use: GrantUse): Promise<GoogleKeys> {
  const owner = (await unlessRefused(google.owner())) ?? { sub: null, address: null };
  if (owner.address !== null) return owner;
  const reported = await unlessRefused(addressOf(google, use));
  return { sub: owner.sub, address: reported?.address ?? null };
}

async function unlessRefused<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof GoogleError) || passesByItself(error)) throw error;
    return null;
  }
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
      rt.log.info(
        { event: 'account_removed', accountId },
        'a removal that was cut off is finished',
      );
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
      'Google does not let the grant be revoked; the account is erased all the same',
    );
    return 'refused';
  }
}
