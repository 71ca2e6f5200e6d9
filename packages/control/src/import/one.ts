/** Imports one account: checks to whom its grant belongs, then stores it. */
import type { Google } from '@syncline/google';
import { OperatorError, unreachable, type Runtime } from '@syncline/runtime';
import { AccountBeingRemoved, type AccountImport, type Store } from '@syncline/store';
import { checkImport, type ImportCheck } from '@syncline/sync';

type Held = Extract<ImportCheck, { kind: 'wait' }>['held'];

/** Checks a grant before it is imported. */
export type GrantChecker = (account: AccountImport) => Promise<ImportCheck>;

export interface Imported {
  what: 'created' | 'updated' | 'refused';
  /** The account's id; null when it was refused. */
  id: string | null;
  /** Why the line was not imported as intended; null when it was. */
  problem: string | null;
  /** What a person should know about an imported account. */
  note?: string;
  /** It was refused because a removal of the account is under way. */
  isBeingRemoved?: boolean;
}

type Stored = Pick<Imported, 'what' | 'id'>;

/**
 * After this many lines in a row without an answer Google is no longer asked, since each takes
 * seconds.
 */
const UNANSWERED_LIMIT = 3;

/** @param onGoogleUnavailable called when Google is no longer asked */
export function grantChecker(
  rt: Runtime,
  deps: { store: Store; google: Google },
  onGoogleUnavailable: () => void,
): GrantChecker {
  let unanswered = 0;
  return async (account) => {
    if (unanswered >= UNANSWERED_LIMIT) return { kind: 'import', account, checked: false };
    const check = await checkImport(rt, deps, account);
    unanswered = check.kind === 'no-answer' ? unanswered + 1 : 0;
    if (unanswered === UNANSWERED_LIMIT) onGoogleUnavailable();
    return check;
  };
}

/** @param checker null: imports without asking Google */
export async function importChecked(
  store: Store,
  checker: GrantChecker | null,
  account: AccountImport,
): Promise<Imported> {
  try {
    const check: ImportCheck = checker
      ? await checker(account)
      : { kind: 'import', account, checked: false };
    switch (check.kind) {
      case 'import':
      case 'no-answer':
        return { ...(await stored(store, check.account)), problem: null };
      case 'wait':
        return waiting(await held(store, check.account, check.held), check.held);
      case 'refused':
        return { what: 'refused', id: null, problem: check.problem };
      default:
        return unreachable(check);
    }
  } catch (error) {
    if (error instanceof OperatorError)
      return {
        what: 'refused',
        id: null,
        problem: error.message,
        isBeingRemoved: error instanceof AccountBeingRemoved,
      };
    throw error;
  }
}

/**
 * Returns the result of an import whose account waits. A grant that Google refuses is a state of
 * the account and may end; a grant of unknown origin is reported as a problem to the person who
 * imports it.
 */
function waiting(imported: Stored, { code, reason }: Held): Imported {
  return code === 'grant-refused'
    ? { ...imported, problem: null, note: `is imported and waits: ${reason}` }
    : { ...imported, problem: reason };
}

async function stored(store: Store, account: AccountImport): Promise<Stored> {
  const { id, created } = await store.accounts.import(account);
  return { id, what: created ? 'created' : 'updated' };
}

/** Stores the grant; the account waits for a person's decision. */
async function held(store: Store, account: AccountImport, why: Held): Promise<Stored> {
  const { id, created } = await store.accounts.import(account);
  const known = await store.grantChecks.known(id);
  if (known) await store.grantChecks.hold(id, known.grant, why);
  return { id, what: created ? 'created' : 'updated' };
}
