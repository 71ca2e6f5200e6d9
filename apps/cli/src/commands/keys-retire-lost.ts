import { retireLostKey } from '@syncline/control/master-key';
import { counted } from '@syncline/control/words';
import type { Command } from 'commander';
import { runWithStore } from '../command.js';
import { confirmed } from '../confirm.js';
import { printJson } from '../output.js';
import { printMessage } from '../terminal.js';

/** `syncline keys retire-lost ID` (docs/how-to/security.md, "When a master key is lost"). */
export function addRetireLost(keys: Command): void {
  keys
    .command('retire-lost')
    .description('declare a master key lost: accounts sealed with it need a new import')
    .argument('<id>', 'the id of the key, from the log of a process that lacks it')
    .option('--yes', 'do not ask on a terminal')
    .option('--json', 'print {"keyId","values"}')
    .action((keyId: string, { yes, json }: { yes?: true; json?: true }) =>
      runWithStore(
        async ({ rt }, store) => {
          const question = `Declare the master key with the id ${keyId} lost, with every refresh token sealed with it?`;
          if (!yes && !json && !(await confirmed(question, rt.signal))) {
            printMessage('nothing was changed');
            return 1;
          }
          const values = await retireLostKey({ store }, keyId);
          if (json) await printJson({ keyId, values });
          else
            printMessage(
              `The master key with the id ${keyId} is declared lost; ${counted(values, 'refresh token')} sealed with it cannot be opened. Import their accounts again.`,
            );
          return 0;
        },
        ['master-key'],
        { takesOtherKey: true },
      ),
    );
}
