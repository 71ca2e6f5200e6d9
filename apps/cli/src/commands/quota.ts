import { quotaDocument, readQuota, type QuotaAnswer } from '@syncline/control/quota';
import type { Store } from '@syncline/store';
import type { Command } from 'commander';
import { fullSyncCell } from '../cells.js';
import { type Cli, runWithStore } from '../command.js';
import { print, printJson } from '../output.js';
import { quotaText } from '../quota-text.js';
import { printMessage } from '../terminal.js';
import { openConfigured } from '../with-google.js';
import { addQuotaPlan } from './quota-plan.js';

/**
 * `syncline quota`: shows today's spending, the rest of this minute, and when the current full
 * syncs will end.
 */
export function addQuota(program: Command): void {
  const quota = program
    .command('quota')
    .description(
      'what was spent, by method, account and project, what is left, and when full syncs will end',
    )
    .option('--json', 'print one document')
    .action((options: { json?: true }) =>
      runWithStore(async (cli, store) => {
        const { report, redisProblem } = await ask(cli, store);
        if (redisProblem !== null)
          printMessage(`the usage of this minute cannot be read from Redis (${redisProblem})`);
        await (options.json
          ? printJson(quotaDocument(report, fullSyncCell))
          : print(quotaText(report)));
        return 0;
      }),
    );
  addQuotaPlan(quota);
}

async function ask(cli: Cli, store: Store): Promise<QuotaAnswer> {
  const google = await openConfigured(cli, store);
  try {
    return await readQuota(cli.rt, { store, google });
  } finally {
    await google.close();
  }
}
