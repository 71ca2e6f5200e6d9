/** Calls to Google that somebody waits for (`@syncline/control/gmail/on-demand`). */
import { type Google, type GoogleAccount, GoogleError } from '@syncline/google';
import { OperatorError, type Runtime } from '@syncline/runtime';
import type { NamedAccount, Store } from '@syncline/store';
import { verifiedAccount } from '@syncline/sync';

/** How long a caller waits. */
export interface OnDemand {
  /** The longest wait for quota; a longer one is not begun. */
  maxQuotaWaitMs: number;
  /** Ends the calls. */
  signal: AbortSignal;
}

export type Answered<T> =
  /** @property units what the calls have cost */
  | { kind: 'answered'; answer: T; units: number }
  | { kind: 'not-answered'; error: GoogleError }
  /** The grant is not known to be the account's own. */
  | { kind: 'not-verified'; error: OperatorError };

/** Asks Google in the account's name in the live lane, and records what it costs. */
export async function askGoogle<T>(
  rt: Runtime,
  { store, google }: { store: Store; google: Google },
  { id }: Pick<NamedAccount, 'id'>,
  wait: OnDemand,
  ask: (account: GoogleAccount) => Promise<T>,
): Promise<Answered<T>> {
  try {
    const account = await verifiedAccount(rt, { store, google }, id, { lane: 'live', ...wait });
    const spent: ReturnType<GoogleAccount['takeSpent']> = [];
    try {
      const answer = await ask(account);
      spent.push(...account.takeSpent());
      return {
        kind: 'answered',
        answer,
        units: spent.reduce((sum, { units }) => sum + units, 0),
      };
    } finally {
      await store.quota.record(id, [...spent, ...account.takeSpent()]);
    }
  } catch (error) {
    if (error instanceof GoogleError) return { kind: 'not-answered', error };
    if (error instanceof OperatorError) return { kind: 'not-verified', error };
    throw error;
  }
}
