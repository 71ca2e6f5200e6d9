/** Imports lines with an answer for each, in their order. */
import type { Google } from '@syncline/google';
import { comparableAddress, DEFAULT_PROJECT, type Runtime } from '@syncline/runtime';
import type { AccountImport, Store } from '@syncline/store';
import { linesOf, readImportLine } from './lines.js';
import { grantChecker, importChecked, type GrantChecker } from './one.js';

/** The result of a line; the field names are public. */
export interface ImportedLine {
  /** From 1. */
  line: number;
  result: 'created' | 'updated' | 'refused';
  /** The account's id; null when it was refused. */
  id: string | null;
  /** Why the line was not imported as intended. */
  problem: string | null;
  /** What a person should know about an imported account. */
  note: string | null;
}

interface LinesInput {
  content: AsyncIterable<Buffer | string>;
  /** Names of the configured Google projects beside the default one. */
  projects: readonly string[];
  /** The only tenant whose accounts may be imported, and that of lines without one; null: any. */
  tenant: string | null;
  /** No further line is begun when it is aborted. */
  signal: AbortSignal;
}

/** Lines in progress at once. */
const AT_ONCE = 8;

/**
 * Imports lines, and yields their results in order; blank lines have none. Two lines of one account
 * keep their order.
 * @param deps `google`: checks to whom each grant belongs; null: the first sync checks it
 */
export async function* importLines(
  rt: Runtime,
  { store, google }: { store: Store; google: Google | null },
  { content, projects, tenant, signal }: LinesInput,
): AsyncGenerator<ImportedLine> {
  await store.keys.beforeSealing();
  const checker = google ? grantChecker(rt, { store, google }, () => undefined) : null;
  const known = [DEFAULT_PROJECT, ...projects];
  const ofAccount = new Map<string, Promise<unknown>>();
  const underWay: Promise<ImportedLine>[] = [];
  for await (const { number, bytes } of linesOf(content)) {
    if (signal.aborted) break;
    const line = readImportLine(bytes, known, tenant ?? undefined);
    if (line.kind === 'blank') continue;
    const refusal = line.kind === 'refused' ? line.problem : foreign(line.account, tenant);
    const imported =
      line.kind === 'refused' || refusal !== null
        ? Promise.resolve(refused(number, refusal))
        : inOrder(ofAccount, line.account, () => importOne(store, checker, number, line.account));
    // It is awaited in its turn, and may fail before.
    imported.catch(() => undefined);
    underWay.push(imported);
    const [first] = underWay;
    if (underWay.length < AT_ONCE || first === undefined) continue;
    yield await first;
    void underWay.shift();
  }
  for (const imported of underWay) yield await imported;
}

function foreign(account: AccountImport, tenant: string | null): string | null {
  return tenant === null || account.tenant === tenant ? null : 'tenant is not that of the key';
}

function refused(line: number, problem: string | null): ImportedLine {
  return { line, result: 'refused', id: null, problem, note: null };
}

/** Waits for the line before of the same account. */
function inOrder<T>(
  ofAccount: Map<string, Promise<unknown>>,
  { tenant, email }: AccountImport,
  work: () => Promise<T>,
): Promise<T> {
  const key = JSON.stringify([tenant, comparableAddress(email)]);
  const before = ofAccount.get(key) ?? Promise.resolve();
  const task = before.then(work, work);
  ofAccount.set(key, task);
  return task;
}

async function importOne(
  store: Store,
  checker: GrantChecker | null,
  line: number,
  account: AccountImport,
): Promise<ImportedLine> {
  const { what, id, problem, note = null } = await importChecked(store, checker, account);
  return { line, result: what, id, problem, note };
}
