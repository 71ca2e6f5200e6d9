import { availableParallelism } from 'node:os';
import path from 'node:path';
import { counted } from '@syncline/control/words';
import { fleetSessionsProblem } from '@syncline/store';
import { waitForServers } from '@syncline/runtime';
import type { Command } from 'commander';
import { type Cli, migrateDatabase, runCommand, wholeNumber } from '../command.js';
import { fleetEnv, fleetSpecs, urlsOf, whenApiAnswers, withPorts } from '../fleet-processes.js';
import { openProcesses } from '../processes.js';
import { printMessage } from '../terminal.js';

const WORKERS_LIMIT = 4;

/** `syncline up`: runs the whole fleet on this machine, until a signal drains it. */
export function addUp(program: Command): void {
  program
    .command('up')
    .description(
      'run scheduler, workers and API on this machine, with embedded Postgres and Redis unless DATABASE_URL and REDIS_URL are set',
    )
    .option(
      '--workers <count>',
      'worker processes',
      wholeNumber(1, 64),
      Math.min(WORKERS_LIMIT, availableParallelism()),
    )
    .action((options: { workers: number }) =>
      runCommand(['google', 'master-key'], (cli) => up(cli, options.workers), 0),
    );
}

async function up(cli: Cli, workers: number): Promise<number> {
  const { rt, config, env } = cli;
  const applied = await migrateDatabase(cli);
  if (applied.length > 0) printMessage(`applied ${applied.join(', ')}`);
  const few = await waitForServers(rt, () =>
    fleetSessionsProblem(config.databaseUrl, workers, config.databasePoolSize),
  );
  if (few !== null) printMessage(few);
  const logDir = path.join(config.dataDir, 'logs');
  const settings = await withPorts(config);
  const processes = openProcesses(rt, { logDir, report: printMessage });
  const signal = AbortSignal.any([rt.signal, processes.failed]);
  try {
    for (const spec of fleetSpecs(fleetEnv(env, settings), workers)) processes.keep(spec);
    await whenApiAnswers(rt, settings, signal);
    printMessage(
      `one scheduler, ${counted(workers, 'worker')} and the API are running; their logs are in ${logDir}`,
    );
    for (const url of urlsOf(settings)) printMessage(`  ${url}`);
    await aborted(signal);
    signal.throwIfAborted();
  } catch (error) {
    if (!rt.signal.aborted) throw error;
  } finally {
    if (rt.signal.aborted) printMessage('draining');
    await processes.drain();
  }
  return 0;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
