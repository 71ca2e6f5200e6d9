import { beginFeedEpoch } from '@syncline/control/feed';
import type { Command } from 'commander';
import { runWithStore } from '../command.js';
import { printJson } from '../output.js';
import { printMessage } from '../terminal.js';

/**
 * `syncline feed new-epoch`: needed after a restore that the fleet cannot detect by itself
 * (docs/how-to/backup.md).
 */
export function addFeed(program: Command): void {
  const feed = program.command('feed').description('the change feed as a whole');
  feed
    .command('new-epoch')
    .description(
      'after a restore of the database: begin a new epoch of every feed, so that consumers list again',
    )
    .option('--json', 'print {"epoch"}')
    .action((options: { json?: true }) =>
      runWithStore(async (_cli, store) => {
        const epoch = await beginFeedEpoch({ store });
        if (options.json) await printJson({ epoch });
        else printMessage(`the feeds are now in epoch ${epoch}; their consumers must list again`);
        return 0;
      }),
    );
}
