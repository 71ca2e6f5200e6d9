import type { Command } from 'commander';
import { migrateDatabase, runCommand } from '../command.js';
import { printJson } from '../output.js';
import { printMessage } from '../terminal.js';

/**
 * `syncline migrate`: applies this program's migrations to the database; as a JSON document,
 * `{applied:[name…]}`.
 */
export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description("apply the schema to DATABASE_URL (the database is created if it doesn't exist)")
    .option('--json', 'print {"applied":[…]}')
    .action((options: { json?: true }) =>
      runCommand([], async (cli) => {
        const applied = await migrateDatabase(cli);
        if (options.json) await printJson({ applied });
        else
          printMessage(
            applied.length === 0 ? 'the schema is up to date' : `applied ${applied.join(', ')}`,
          );
        return 0;
      }),
    );
}
