/** Imports the accounts of an NDJSON file (`@syncline/control/import`). */
import type { Google } from '@syncline/google';
import { comparableAddress, DEFAULT_PROJECT, type Runtime } from '@syncline/runtime';
import type { AccountImport, Store } from '@syncline/store';
import { linesOf, readImportLine } from './lines.js';
import { grantChecker, importChecked, type Imported } from './one.js';

export { importLines } from './answered.js';
export type { Imported } from './one.js';

/** The results of an import's lines. */
export interface ImportSummary {
  created: number;
  updated: number;
  failed: { line: number; problem: string }[];
}

/** The progress reports while the lines are read. */
export type ImportStep =
  | { step: 'refused'; line: number; problem: string }
  /** The account is imported, with a note for the person. */
  | { step: 'noted'; line: number; note: string }
  /** The number of lines read so far. */
  | { step: 'read'; lines: number }
  /**
   * Google does not answer: the grants of further lines are checked by each account's first sync.
   */
  | { step: 'google-silent' };

/**
 * Receives the progress. The import waits for the returned promise before it continues with the
 * line.
 */
export type ReportImportStep = (step: ImportStep) => void | Promise<void>;

interface Deps {
  store: Store;
  /** Checks to whom each grant belongs; null: each account's first sync checks it. */
  google: Google | null;
}

/** Imports one account. `project` must be a configured one. */
export async function importAccount(
  rt: Runtime,
  { store, google }: Deps,
  account: AccountImport,
): Promise<Imported> {
  await store.keys.beforeSealing();
  const checker = google ? grantChecker(rt, { store, google }, () => undefined) : null;
  return importChecked(store, checker, account);
}

/**
 * Lines that are checked with Google concurrently; without checks lines are imported one by one.
 */
const CHECKS_AT_ONCE = 8;

/**
 * Imports line by line: lines before a broken line, or before a failure of the database, stay
 * imported. A refused line is reported at once. Two lines of one account keep their order.
 * @param input `projects`: names of the configured Google projects beside the default one
 */
export async function importAccounts(
  rt: Runtime,
  { store, google }: Deps,
  input: { content: AsyncIterable<Buffer | string>; projects?: readonly string[] },
  onProgress: ReportImportStep,
): Promise<ImportSummary> {
  await store.keys.beforeSealing();
  const projects = [DEFAULT_PROJECT, ...(input.projects ?? [])];
  const checker = google
    ? grantChecker(rt, { store, google }, () => void onProgress({ step: 'google-silent' }))
    : null;
  const summary: ImportSummary = { created: 0, updated: 0, failed: [] };
  const refuse = async (line: number, problem: string): Promise<void> => {
    summary.failed.push({ line, problem });
    await onProgress({ step: 'refused', line, problem });
  };
  const importLine = async (number: number, account: AccountImport): Promise<void> => {
    const { what, problem, note } = await importChecked(store, checker, account);
    if (note !== undefined) await onProgress({ step: 'noted', line: number, note });
    if (what !== 'refused') summary[what] += 1;
    if (problem !== null) await refuse(number, problem);
  };
  const underWay = new Map<string, Promise<void>>();
  for await (const { number, bytes } of linesOf(input.content)) {
    const line = readImportLine(bytes, projects);
    if (line.kind === 'refused') await refuse(number, line.problem);
    if (line.kind === 'account') {
      const key = JSON.stringify([line.account.tenant, comparableAddress(line.account.email)]);
      await underWay.get(key);
      const task = importLine(number, line.account).finally(() => underWay.delete(key));
      underWay.set(key, task);
      // An error that ends the import is thrown here or below.
      if (underWay.size >= (checker ? CHECKS_AT_ONCE : 1)) await Promise.race(underWay.values());
    }
    await onProgress({ step: 'read', lines: number });
  }
  await Promise.all(underWay.values());
  summary.failed.sort((one, other) => one.line - other.line);
  return summary;
}
