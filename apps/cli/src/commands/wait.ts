/**
 * `syncline wait`: returns when every collection has been served by a run that began after the call. The moment is taken by
 * the database's clock together with the wish, so a run that was under way already does not count.
 */
import { amount, counted, nameOf } from '@syncline/control/words';
import type { Runtime } from '@syncline/runtime';
import type { NamedAccount, Store, UnservedCollection } from '@syncline/store';
import type { Command } from 'commander';
import { findAccounts } from '../accounts.js';
import { wholeNumber } from '../command.js';
import { printJson } from '../output.js';
import { type Progress, bar, openProgress, printable } from '../terminal.js';
import { runWithControl } from '../with-control.js';

const POLL_MS = 200;
const DEFAULT_TIMEOUT_S = 300;
/** Names in a message; of ten thousand unserved collections nobody reads more. */
const NAMED_LIMIT = 20;

export function addWait(program: Command): void {
  program
    .command('wait')
    .description(
      'return 0 when these accounts (all, if none is named) were served by a run that began after this call',
    )
    .argument('[emails...]')
    .option(
      '--timeout <seconds>',
      'then exit 1, naming what is not served',
      wholeNumber(0, 31_536_000),
      DEFAULT_TIMEOUT_S,
    )
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'print {"served","unserved":[…]}')
    .action((emails: string[], options: { timeout: number; tenant?: string; json?: true }) =>
      runWithControl(async (control, { rt }, store) => {
        const accounts = await findAccounts(control, emails, options.tenant);
        const unserved = await waitUntilServed(rt, store, accounts, options.timeout * 1_000);
        if (options.json) await printJson({ served: unserved.length === 0, unserved });
        return unserved.length === 0 ? 0 : 1;
      }),
    );
}

/**
 * Marks the accounts wanted and waits for them.
 * @param accounts null means all
 * @returns what was not served in time; it has been named on stderr
 */
async function waitUntilServed(
  rt: Runtime,
  store: Store,
  accounts: readonly NamedAccount[] | null,
  timeoutMs: number,
): Promise<UnservedCollection[]> {
  const ids = accounts && accounts.map((account) => account.id);
  const deadlineMs = rt.clock.nowMs() + timeoutMs;
  const progress = openProgress(rt.clock);
  const stuck = new Set<string>();
  const since = await store.collections.markWanted(ids);
  let most = 0;
  for (;;) {
    const unserved = await store.collections.unservedSince(ids, since);
    most = Math.max(most, unserved.length);
    nameStuckAccounts(progress, unserved, stuck);
    const served = most - unserved.length;
    progress.show({
      line: `${bar(served, most)} ${amount(served)} of ${counted(most, 'collection')} served`,
    });
    if (unserved.length === 0 || rt.clock.nowMs() >= deadlineMs) {
      progress.end();
      if (unserved.length > 0) nameUnserved(progress, unserved, timeoutMs);
      return unserved;
    }
    await rt.clock.sleep(POLL_MS, rt.signal);
  }
}

/** An account that waits for a human is told of at once: whoever reads it can still mend it before the timeout. */
function nameStuckAccounts(
  progress: Progress,
  unserved: readonly UnservedCollection[],
  known: Set<string>,
): void {
  for (const { email, accountState, reason } of unserved) {
    if (accountState === 'active' || known.has(email)) continue;
    known.add(email);
    progress.say(
      printable(`${email} is not synced: ${accountState}${reason === null ? '' : ` (${reason})`}`),
    );
  }
}

function nameUnserved(
  progress: Progress,
  unserved: readonly UnservedCollection[],
  timeoutMs: number,
): void {
  progress.say(
    `${counted(unserved.length, 'collection')} not served within ${timeoutMs / 1_000} s:`,
  );
  for (const collection of unserved.slice(0, NAMED_LIMIT))
    progress.say(printable(`  ${collection.email}, ${nameOf(collection)}: ${whyNot(collection)}`));
  if (unserved.length > NAMED_LIMIT)
    progress.say(`  … and ${amount(unserved.length - NAMED_LIMIT)} more`);
}

function whyNot({ accountState, reason }: UnservedCollection): string {
  if (accountState !== 'active')
    return `the account is ${accountState}${reason === null ? '' : ` (${reason})`}`;
  return (
    reason ??
    'no run that began after this call has finished; is a scheduler running, and a worker?'
  );
}
