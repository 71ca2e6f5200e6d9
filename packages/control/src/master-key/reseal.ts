import type { SharedTokens } from '@syncline/google';
import type { Pass } from './steps.js';

const BATCH_LIMIT = 500;

/**
 * Seals values until a pass finds none, since another program may have sealed some with an old key
 * during a pass.
 */
export async function resealAll({
  rt,
  rotation,
  rate,
  onProgress,
  stopIfBlocked,
}: Pass): Promise<{ resealed: number; unreadable: number }> {
  const limit = Math.min(BATCH_LIMIT, rate);
  let resealed = 0;
  for (;;) {
    const before = resealed;
    let unreadable = 0;
    for (let cursor = rotation.start(); cursor !== null;) {
      const batch = await rotation.reseal(cursor, limit);
      resealed += batch.resealed;
      unreadable += batch.unreadable;
      cursor = batch.next;
      if (batch.resealed === 0) continue;
      await stopIfBlocked();
      onProgress({ step: 'values', resealed });
      await rt.clock.sleep((1_000 * limit) / rate, rt.signal);
    }
    if (resealed === before) return { resealed, unreadable };
  }
}

/**
 * Seals shared access tokens again; those of accounts that are rarely synced would otherwise stay
 * under the old key for up to an hour.
 */
export async function resealShared(
  { rt, rotation, rate, onProgress, stopIfBlocked }: Pass,
  tokens: SharedTokens,
): Promise<number> {
  const limit = Math.min(BATCH_LIMIT, rate);
  let resealed = 0;
  let last: string | null = null;
  for (;;) {
    const accounts = await rotation.accountsAfter(last, limit);
    if (accounts.length === 0) return resealed;
    const changed = await tokens.reseal(accounts);
    resealed += changed;
    last = accounts.at(-1)?.accountId ?? null;
    if (changed === 0) continue;
    await stopIfBlocked();
    onProgress({ step: 'access-tokens', resealed });
    await rt.clock.sleep((1_000 * limit) / rate, rt.signal);
  }
}
