import { quotaDocument, readQuota, type QuotaAnswer } from '@syncline/control/quota';
import type { Store } from '@syncline/store';
import type { Command } from 'commander';
import { fullSyncCell } from '../cells.js';
import { type Cli, runWithStore } from '../command.js';
import { print, printJson } from '../output.js';
import { quotaText } from '../quota-text.js';
import { say } from '../terminal.js';
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
      'what was spent, by method, account and project, what is left, and when backfills will end',
    )
    .option('--json', 'print one document')
    .action((options: { json?: true }) =>
      runWithStore(async (cli, store) => {
        const { report, redisProblem } = await ask(cli, store);
        if (redisProblem !== null) say(`Redis does not tell the current minute (${redisProblem})`);
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
