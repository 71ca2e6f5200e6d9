import { findAccountByAddressOrId } from '@syncline/control/accounts';
import { eventDocument, eventWords, readTimeline } from '@syncline/control/timeline';
import { when } from '@syncline/control/words';
import type { AccountEvent } from '@syncline/store';
import type { Command } from 'commander';
import { foundOr } from '../accounts.js';
import { runWithStore, wholeNumber } from '../command.js';
import { print, printJson } from '../output.js';
import { printable, table } from '../terminal.js';

interface Options {
  tenant?: string;
  limit: number;
  json?: true;
}

/** `syncline timeline EMAIL|ID`: prints what happened to an account, newest first. */
export function addTimeline(program: Command): void {
  program
    .command('timeline')
    .description('what happened to an account, newest first')
    .argument(
      '<account>',
      'its address, or the id of it, a collection, an operation or a connect session',
    )
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--limit <n>', 'how many events at most', wholeNumber(1, 10_000), 50)
    .option('--json', 'print one document')
    .action((name: string, { tenant, limit, json }: Options) =>
      runWithStore(async ({ rt }, store) => {
        const account = foundOr(await findAccountByAddressOrId({ store }, { name, tenant }));
        const events = await readTimeline({ store }, account.id, limit);
        if (json) await printJson(events.map(eventDocument));
        else await print(screenOf(events, rt.clock.nowMs()));
        return 0;
      }),
    );
}

const COLUMNS = ['WHEN', 'TIME (UTC)', 'EVENT', 'BY'].map((title) => ({ title }));

/** Returns the text for a person. */
export function screenOf(events: readonly AccountEvent[], nowMs: number): string {
  if (events.length === 0) return 'nothing has happened in the last 90 days';
  const rows = events.map((event) => [
    when(event.at, nowMs),
    event.at.toISOString().replace(/[.].*/, '').replace('T', ' '),
    printable(eventWords(event)),
    event.actor === null ? '' : printable(event.actor),
  ]);
  return table(COLUMNS, rows).join('\n');
}
