/**
 * `syncline demo`: starts a simulated Google with active users and a fleet that mirrors them. With
 * `--once` it ends by itself: the accounts are mirrored while the users are active, the users
 * continue for some seconds and stop, the fleet catches up, and every mirror is compared with the
 * simulator's data.
 */
import { importAccounts } from '@syncline/control/import';
import { waitUntilCaughtUp } from '@syncline/control/sync-requests';
import { counted } from '@syncline/control/words';
import { type Runtime, OperatorError, stderr } from '@syncline/runtime';
import type { Command } from 'commander';
import { type Cli, runCommand, wholeNumber } from '../command.js';
import type { Arrivals } from '../demo/arrivals.js';
import { type Report, checkMirrors } from '../demo/check-mirrors.js';
import { exportLine } from '../demo/example.js';
import { liveView } from '../demo/live-view.js';
import { reportText } from '../demo/report-text.js';
import { resetEmbedded } from '../demo/storage.js';
import { addNewcomer, type DemoPlan, type DemoEnvironment, withDemo } from '../demo/environment.js';
import { type Watch, refreshWatched } from '../demo/watch-accounts.js';
import { showImportProgress } from '../import-progress.js';
import { print, printJson } from '../output.js';
import { type Progress, openProgress } from '../terminal.js';

interface DemoOptions extends Omit<DemoPlan, 'keep' | 'example'> {
  once?: true;
  keep?: true;
  example?: true;
  reset?: true;
  json?: true;
}

const CHECK_EVERY_MS = 500;
const PLAIN_EVERY_MS = 3_000;
const USERS_ACT_FOR_MS = 8_000;
/**
 * The time limit of the full syncs with `--once`; with the default options they take a tenth of it.
 */
const FULL_SYNCS_TIMEOUT_MS = 600_000;
const CATCH_UP_TIMEOUT_MS = 180_000;

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('simulated Google, its users, and a fleet that mirrors them; Ctrl-C ends it')
    .option(
      '--once',
      'mirror, apply changes, verify every mirror against the source, and exit: 1 on drift',
    )
    .option('--accounts <count>', 'accounts', wholeNumber(1, 10_000), 16)
    .option('--messages <count>', 'messages of each account', wholeNumber(0, 1_000_000), 200)
    .option('--calendars <count>', 'calendars of each account', wholeNumber(1, 1_000), 2)
    .option('--contacts <count>', 'contacts of each account', wholeNumber(0, 25_000), 30)
    .option('--workers <count>', 'worker processes', wholeNumber(1, 64), 2)
    .option('--rate <count>', 'actions of all users per second', wholeNumber(0, 10_000), 10)
    .option('--seed <number>', 'seed of the simulated world', wholeNumber(0), 1)
    .option('--example', 'also start examples/inbox, a small product on the HTTP API')
    .option('--keep', "keep the demo's database")
    .option('--reset', 'first erase the data of `npm run up` on the embedded servers')
    .option('--json', 'with --once: print one document')
    .action((options: DemoOptions) =>
      runCommand([], (cli) => demo(cli, options), options.once ? 1 : 0),
    );
}

async function demo(cli: Cli, options: DemoOptions): Promise<number> {
  const { rt } = cli;
  const progress = openProgress(rt.clock, PLAIN_EVERY_MS);
  if (options.reset) await resetEmbedded(rt, cli.config, cli.createDatabase, progress.printMessage);
  const startedMs = rt.clock.nowMs();
  progress.printMessage('starting a simulated Google, a scheduler, workers and the API');
  try {
    const report = await withDemo(
      cli,
      { ...options, keep: options.keep ?? false, example: options.example ?? false },
      progress.printMessage,
      async (environment) => {
        await connect(rt, environment, progress);
        if (!options.once)
          progress.printMessage(`  ${await addNewcomer(environment.google, options)}`);
        const run: DemoRun = { rt, environment, progress, watch: new Map(), startedMs };
        await environment.google.setRate(options.rate);
        return options.once ? runOnce(run) : runUntilInterrupted(run);
      },
    );
    if (report === null) return 0;
    await (options.json ? printJson(report) : print(reportText(report)));
    return report.ok ? 0 : 1;
  } catch (error) {
    // Ctrl-C ends a demo; the error of the interrupted step is not reported.
    if (!rt.signal.aborted || options.once) throw error;
    return 0;
  } finally {
    progress.end();
  }
}

interface DemoRun {
  rt: Runtime;
  environment: DemoEnvironment;
  progress: Progress;
  watch: Watch;
  startedMs: number;
}

async function connect(
  rt: Runtime,
  { google, store, urls, access }: DemoEnvironment,
  progress: Progress,
): Promise<void> {
  async function* content(): AsyncGenerator<Buffer> {
    yield await google.accounts();
  }
  // The simulator's accounts need no check of their grants.
  const deps = { store, google: null };
  const summary = await importAccounts(
    rt,
    deps,
    { content: content() },
    showImportProgress(progress),
  );
  progress.printMessage(`${counted(summary.created, 'account')} connected`);
  for (const url of urls) progress.printMessage(`  ${url}`);
  progress.printMessage(`  ${exportLine(access)}`);
}

/** Runs until Ctrl-C. */
async function runUntilInterrupted(run: DemoRun): Promise<null> {
  await showUntil(
    run,
    'Syncline demo, Ctrl-C ends it',
    Number.POSITIVE_INFINITY,
    () => run.rt.signal.aborted,
  );
  return null;
}

async function runOnce(run: DemoRun): Promise<Report & { arrivals: Arrivals }> {
  const { rt, environment, progress, watch, startedMs } = run;
  const allMirrored = (): boolean =>
    watch.size > 0 && [...watch.values()].every(({ mirroredAtMs }) => mirroredAtMs !== null);
  if (!(await showUntil(run, 'mirroring', FULL_SYNCS_TIMEOUT_MS, allMirrored)))
    throw new OperatorError('The accounts were not mirrored in time; the lines above show which.');
  await showUntil(run, 'incremental sync', USERS_ACT_FOR_MS, () => false);
  await environment.google.setRate(0);
  const behind = await waitUntilCaughtUp(
    { clock: rt.clock, signal: environment.signal },
    { store: environment.store },
    { accounts: null, timeoutMs: CATCH_UP_TIMEOUT_MS, pollMs: CHECK_EVERY_MS },
    () => show(run, 'catching up'),
  );
  if (behind.length > 0)
    throw new OperatorError('The fleet did not catch up in time; the lines above show where.');
  progress.end();
  progress.printMessage('comparing every mirror with its source');
  // Once more: the feeds' last events came after the last sync.
  await refreshWatched(environment.store, watch, rt.clock.nowMs());
  return {
    ...(await checkMirrors(environment.store, environment.google, watch, {
      startedMs,
      nowMs: rt.clock.nowMs,
    })),
    arrivals: await environment.arrivals(),
  };
}

/**
 * Shows progress until `done`.
 * @returns whether it was done in time
 */
async function showUntil(
  run: DemoRun,
  title: string,
  timeoutMs: number,
  done: () => boolean,
): Promise<boolean> {
  const { clock } = run.rt;
  const deadlineMs = clock.nowMs() + timeoutMs;
  for (;;) {
    await show(run, title);
    if (done()) return true;
    if (clock.nowMs() >= deadlineMs) return false;
    await clock.sleep(CHECK_EVERY_MS, run.environment.signal);
  }
}

/** Shows the current state of the accounts. */
async function show(run: DemoRun, title: string): Promise<void> {
  const { rt, environment, progress, watch, startedMs } = run;
  if (stderr().isClosed)
    throw new OperatorError('The demo ended early: the reader of its progress has closed it.');
  await refreshWatched(environment.store, watch, rt.clock.nowMs());
  progress.show(
    liveView(watch, { title, startedMs, arrivals: await environment.arrivals() }, rt.clock.nowMs()),
  );
}
