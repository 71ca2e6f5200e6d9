/** One line of an import: checks the grant's owner, then stores it. */
import { openGoogle, type Google } from '@syncline/google';
import { OperatorError, unreachable, type Runtime, redisSettings } from '@syncline/runtime';
import type { AccountImport, Held, Store } from '@syncline/store';
import { checkImport, type ImportCheck } from '@syncline/sync';
import type { Cli } from './command.js';

/** How grants are checked before they are imported. */
export interface GrantChecker {
  check(account: AccountImport): Promise<ImportCheck>;
  close(): Promise<void>;
}

export interface Imported {
  what: 'created' | 'updated' | 'refused';
  /** Why the line is not what was wanted; null when it is. */
  problem: string | null;
  /** What a person should know of an account that was imported. */
  note?: string;
}

/**
 * After this many lines in a row without an answer Google is not asked any more, since each takes
 * seconds.
 */
const UNANSWERED_LIMIT = 3;

/**
 * Null where there is no client to ask with: then the first run of each account checks its grant.
 */
export async function openGrantChecker(
  { rt, config }: Cli,
  store: Store,
  say: (text: string) => void,
): Promise<GrantChecker | null> {
  const { clientId, clientSecret } = config.google;
  if (clientId === null || clientSecret === null) return null;
  const google = await openGoogle(rt, {
    ...config.google,
    clientId,
    clientSecret,
    ...redisSettings(config, await store.feed.name()),
    quotas: config.quotas,
    tokens: store.vault,
  });
  return checkerOver(rt, store, google, say);
}

function checkerOver(
  rt: Runtime,
  store: Store,
  google: Google,
  say: (text: string) => void,
): GrantChecker {
  let unanswered = 0;
  return {
    async check(account) {
      if (unanswered >= UNANSWERED_LIMIT) return { kind: 'import', account, checked: false };
      const check = await checkImport(rt, { store, google }, account);
      unanswered = check.kind === 'no-answer' ? unanswered + 1 : 0;
      if (unanswered === UNANSWERED_LIMIT)
        say('Google does not answer: the grants of further lines are checked by the first sync');
      return check;
    },
    close: () => google.close(),
  };
}

/** @param checker null imports without asking Google */
export async function importChecked(
  store: Store,
  checker: GrantChecker | null,
  account: AccountImport,
): Promise<Imported> {
  try {
    const check: ImportCheck = checker
      ? await checker.check(account)
      : { kind: 'import', account, checked: false };
    switch (check.kind) {
      case 'import':
      case 'no-answer':
        return { what: await stored(store, check.account), problem: null };
      case 'wait':
        return waiting(await held(store, check.account, check.held), check.held);
      case 'refused':
        return { what: 'refused', problem: check.problem };
      default:
        return unreachable(check);
    }
  } catch (error) {
    if (error instanceof OperatorError) return { what: 'refused', problem: error.message };
    throw error;
  }
}

/**
 * A grant that Google refuses is the account's state, and may pass; one of unknown origin needs the
 * person who imports it.
 */
function waiting(what: 'created' | 'updated', { code, reason }: Held): Imported {
  return code === 'grant-refused'
    ? { what, problem: null, note: `is imported and waits: ${reason}` }
    : { what, problem: reason };
}

async function stored(store: Store, account: AccountImport): Promise<'created' | 'updated'> {
  return (await store.accounts.import(account)).created ? 'created' : 'updated';
}

/** The account gets the grant and waits for a person's decision. */
async function held(
  store: Store,
  account: AccountImport,
  why: Held,
): Promise<'created' | 'updated'> {
  const { id, created } = await store.accounts.import(account);
  const known = await store.grantChecks.known(id);
  if (known) await store.grantChecks.hold(id, known.grant, why);
  return created ? 'created' : 'updated';
}
