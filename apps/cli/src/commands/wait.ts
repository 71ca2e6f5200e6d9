import {
  waitUntilCaughtUp,
  type BehindCollection,
  type WaitProgress,
} from '@syncline/control/sync-requests';
import { amount, counted, nameOf } from '@syncline/control/words';
import type { Command } from 'commander';
import { findAccounts } from '../accounts.js';
import { runWithStore, wholeNumber } from '../command.js';
import { printJson } from '../output.js';
import { type Progress, bar, openProgress, printable } from '../terminal.js';

const DEFAULT_TIMEOUT_S = 300;
/** The maximum number of names in a message; longer lists are not read. */
const NAMED_LIMIT = 20;

/** `syncline wait [EMAIL…]`: returns when every collection is caught up by a run that began after the call. */
export function addWait(program: Command): void {
  program
    .command('wait')
    .description(
      'return 0 when these accounts (all, if none is named) were synced by a run that began after this call and are caught up',
    )
    .argument('[emails...]')
    .option(
      '--timeout <seconds>',
      'then exit 1, naming what is not caught up',
      wholeNumber(0, 31_536_000),
      DEFAULT_TIMEOUT_S,
    )
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'print {"caughtUp","behind":[…]}')
    .action((emails: string[], options: { timeout: number; tenant?: string; json?: true }) =>
      runWithStore(async ({ rt }, store) => {
        const accounts = await findAccounts(store, emails, options.tenant);
        const timeoutMs = options.timeout * 1_000;
        const progress = openProgress(rt.clock);
        const behind = await waitUntilCaughtUp(
          rt,
          { store },
          { accounts, timeoutMs },
          waitView(progress),
        );
        progress.end();
        if (behind.length > 0) nameBehind(progress, behind, timeoutMs);
        if (options.json) await printJson({ caughtUp: behind.length === 0, behind });
        return behind.length === 0 ? 0 : 1;
      }),
    );
}

/**
 * Returns the view during the wait. An account that waits for a person is named once, when it is
 * first found.
 */
function waitView(progress: Progress): (seen: WaitProgress) => void {
  const stuck = new Set<string>();
  return ({ waiting, total }) => {
    listStuckAccounts(progress, waiting, stuck);
    const caughtUp = total - waiting.length;
    progress.show({
      line: `${bar(caughtUp, total)} ${amount(caughtUp)} of ${counted(total, 'collection')} caught up`,
    });
  };
}

/**
 * Reports an account that waits for a person at once, so that the reader can act before the
 * timeout.
 */
function listStuckAccounts(
  progress: Progress,
  behind: readonly BehindCollection[],
  known: Set<string>,
): void {
  for (const { email, accountState, reason } of behind) {
    if (accountState === 'active' || known.has(email)) continue;
    known.add(email);
    progress.printMessage(
      printable(`${email} is not synced: ${accountState}${reason === null ? '' : ` (${reason})`}`),
    );
  }
}

function nameBehind(
  progress: Progress,
  behind: readonly BehindCollection[],
  timeoutMs: number,
): void {
  progress.printMessage(
    `${counted(behind.length, 'collection')} not caught up within ${timeoutMs / 1_000} s:`,
  );
  for (const collection of behind.slice(0, NAMED_LIMIT))
    progress.printMessage(
      printable(`  ${collection.email}, ${nameOf(collection)}: ${whyNot(collection)}`),
    );
  if (behind.length > NAMED_LIMIT)
    progress.printMessage(`  … and ${amount(behind.length - NAMED_LIMIT)} more`);
}

function whyNot({ accountState, reason }: BehindCollection): string {
  if (accountState !== 'active')
    return `the account is ${accountState}${reason === null ? '' : ` (${reason})`}`;
  return (
    reason ??
    'no run that began after this call has finished; is a scheduler running, and a worker?'
  );
}
