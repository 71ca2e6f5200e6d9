import { waitUntilCaughtUp, type WaitProgress } from '@syncline/control/sync-requests';
import { amount, counted, nameOf } from '@syncline/control/words';
import type { UnservedCollection } from '@syncline/store';
import type { Command } from 'commander';
import { findAccounts } from '../accounts.js';
import { runWithStore, wholeNumber } from '../command.js';
import { printJson } from '../output.js';
import { type Progress, bar, openProgress, printable } from '../terminal.js';

const DEFAULT_TIMEOUT_S = 300;
/** Names in a message; of ten thousand unserved collections nobody reads more. */
const NAMED_LIMIT = 20;

/** `syncline wait [EMAIL…]`: returns when every collection is caught up by a run that began after the call. */
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
      runWithStore(async ({ rt }, store) => {
        const accounts = await findAccounts(store, emails, options.tenant);
        const timeoutMs = options.timeout * 1_000;
        const progress = openProgress(rt.clock);
        const unserved = await waitUntilCaughtUp(
          rt,
          { store },
          { accounts, timeoutMs },
          waitView(progress),
        );
        progress.end();
        if (unserved.length > 0) nameUnserved(progress, unserved, timeoutMs);
        if (options.json) await printJson({ served: unserved.length === 0, unserved });
        return unserved.length === 0 ? 0 : 1;
      }),
    );
}

/** The view while it waits. Accounts that wait for a person are named once, when they are seen. */
function waitView(progress: Progress): (seen: WaitProgress) => void {
  const stuck = new Set<string>();
  return ({ waiting, total }) => {
    nameStuckAccounts(progress, waiting, stuck);
    const served = total - waiting.length;
    progress.show({
      line: `${bar(served, total)} ${amount(served)} of ${counted(total, 'collection')} served`,
    });
  };
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
