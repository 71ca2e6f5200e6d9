import { dropQuarantined, listQuarantine, retryQuarantined } from '@syncline/control/quarantine';
import { counted, nameOf, when } from '@syncline/control/words';
import type { QuarantinedItem } from '@syncline/store';
import type { Command } from 'commander';
import { findAccount, findAccounts } from '../accounts.js';
import { runWithStore } from '../command.js';
import { print, printJson } from '../output.js';
import { printMessage, table } from '../terminal.js';

interface Options {
  tenant?: string;
  json?: true;
}

/**
 * `syncline quarantine list|retry|drop`: items that were set aside so that a sync could continue.
 */
export function addQuarantine(program: Command): void {
  const quarantine = program
    .command('quarantine')
    .description('items that could not be read or stored, with their reasons');
  withOptions(
    quarantine.command('list').argument('[email]'),
    'the items in quarantine, newest first',
    'print [{accountId,email,…,itemId,reason,attempts,firstAt,lastAt,retryAt}]',
  ).action((email: string | undefined, options: Options) =>
    runWithStore(async ({ rt }, store) => {
      const named = email === undefined ? [] : [email];
      const accounts = await findAccounts(store, named, options.tenant);
      const items = await listQuarantine({ store }, accounts);
      if (options.json) await printJson(items);
      else
        await print(
          items.length === 0 ? 'nothing is in quarantine' : tableOf(items, rt.clock.nowMs()),
        );
      return 0;
    }),
  );
  withOptions(
    quarantine.command('retry').argument('<email>').argument('[ids...]'),
    'read these items again (all of the account, if none is named)',
    'print {"email","retried"}',
  ).action((email: string, ids: string[], options: Options) =>
    runWithStore(async (_cli, store) => {
      const account = await findAccount(store, email, options.tenant);
      const { changed: retried, unknown } = await retryQuarantined({ store }, account, ids);
      if (options.json) await printJson({ email, retried });
      else
        printMessage(
          `${counted(retried, 'item')} will be read again; those that fail again return to the quarantine`,
        );
      return unknown > 0 ? 1 : 0;
    }),
  );
  withOptions(
    quarantine.command('drop').argument('<email>').argument('<ids...>'),
    'drop these items: they stay out of the mirror',
    'print {"email","dropped"}',
  ).action((email: string, ids: string[], options: Options) =>
    runWithStore(async (_cli, store) => {
      const account = await findAccount(store, email, options.tenant);
      const { changed: dropped, unknown } = await dropQuarantined({ store }, account, ids);
      if (options.json) await printJson({ email, dropped });
      else printMessage(`${counted(dropped, 'item')} dropped`);
      return unknown > 0 ? 1 : 0;
    }),
  );
}

function withOptions(command: Command, description: string, json: string): Command {
  return command
    .description(description)
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', json);
}

function tableOf(items: readonly QuarantinedItem[], nowMs: number): string {
  const columns = ['ACCOUNT', 'COLLECTION', 'ITEM', 'TRIED', 'LAST', 'AGAIN', 'REASON'].map(
    (title) => ({ title }),
  );
  return table(
    columns,
    items.map((item) => [
      item.email,
      nameOf(item),
      item.itemId,
      String(item.attempts),
      when(item.lastAt, nowMs),
      item.retryAt ? when(item.retryAt, nowMs) : 'by retry',
      item.reason,
    ]),
  ).join('\n');
}
