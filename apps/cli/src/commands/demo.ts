/**
 * `syncline demo`: starts a simulated Google with active users and a fleet that mirrors them. With
 * `--once` it ends by itself: the accounts are mirrored while the users are active, the users
 * continue for some seconds and stop, the fleet catches up, and every mirror is compared with the
 * simulator's data.
 */
import { importAccounts } from '@syncline/control/import';
import { counted } from '@syncline/control/words';
import { type Runtime, OperatorError, stderr } from '@syncline/runtime';
import type { Command } from 'commander';
import { type Cli, runCommand, wholeNumber } from '../command.js';
import type { Arrivals } from '../demo/arrivals.js';
import { type Report, checkMirrors } from '../demo/check-mirrors.js';
import { pictureOf } from '../demo/picture.js';
import { reportText } from '../demo/report-text.js';
import { resetEmbedded } from '../demo/fresh-space.js';
import { type DemoPlan, type DemoEnvironment, withDemo } from '../demo/stage.js';
import { type Watch, refreshWatched } from '../demo/watch-accounts.js';
import { tellImport } from '../import-progress.js';
import { print, printJson } from '../output.js';
import { type Progress, openProgress } from '../terminal.js';

interface DemoOptions extends Omit<DemoPlan, 'keep'> {
  once?: true;
  keep?: true;
  reset?: true;
  json?: true;
}

const CHECK_EVERY_MS = 500;
const PLAIN_EVERY_MS = 3_000;
const ACT_ON_FOR_MS = 8_000;
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
    .option('--workers <count>', 'worker processes', wholeNumber(1, 64), 2)
    .option(
      '--rate <count>',
      'what the users do, a second, all together',
      wholeNumber(0, 10_000),
      10,
    )
    .option('--seed <number>', 'another seed is another world', wholeNumber(0), 1)
    .option('--keep', "leave the demo's database in place")
    .option('--reset', 'first erase what `npm run up` has on the embedded servers')
    .option('--json', 'with --once: print one document')
    .action((options: DemoOptions) =>
      runCommand([], (cli) => demo(cli, options), options.once ? 1 : 0),
    );
}

async function demo(cli: Cli, options: DemoOptions): Promise<number> {
  const { rt } = cli;
  const progress = openProgress(rt.clock, PLAIN_EVERY_MS);
  if (options.reset) await resetEmbedded(rt, cli.config, cli.createDatabase, progress.say);
  const startedMs = rt.clock.nowMs();
  progress.say('starting a simulated Google, a scheduler, workers and the API');
  try {
    const report = await withDemo(
      cli,
      { ...options, keep: options.keep ?? false },
      progress.say,
      async (stage) => {
        await connect(rt, stage, progress);
        const scene: Scene = { rt, stage, progress, watch: new Map(), startedMs };
        await stage.google.setRate(options.rate);
        return options.once ? playOnce(scene) : play(scene);
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

interface Scene {
  rt: Runtime;
  stage: DemoEnvironment;
  progress: Progress;
  watch: Watch;
  startedMs: number;
}

async function connect(
  rt: Runtime,
  { google, store, urls }: DemoEnvironment,
  progress: Progress,
): Promise<void> {
  async function* content(): AsyncGenerator<Buffer> {
    yield await google.accounts();
  }
  // The simulator's accounts need no check of their grants.
  const deps = { store, google: null };
  const summary = await importAccounts(rt, deps, { content: content() }, tellImport(progress));
  progress.say(`${counted(summary.created, 'account')} connected`);
  for (const url of urls) progress.say(`  ${url}`);
}

/** Runs until Ctrl-C. */
async function play(scene: Scene): Promise<null> {
  await showUntil(
    scene,
    'Syncline demo, Ctrl-C ends it',
    Number.POSITIVE_INFINITY,
    () => scene.rt.signal.aborted,
  );
  return null;
}

async function playOnce(scene: Scene): Promise<Report & { arrivals: Arrivals }> {
  const { rt, stage, progress, watch, startedMs } = scene;
  const allMirrored = (): boolean =>
    watch.size > 0 && [...watch.values()].every(({ mirroredAtMs }) => mirroredAtMs !== null);
  if (!(await showUntil(scene, 'mirroring', FULL_SYNCS_TIMEOUT_MS, allMirrored)))
    throw new OperatorError(
      'The accounts were not mirrored in time; the picture above says which.',
    );
  await showUntil(scene, 'incremental sync', ACT_ON_FOR_MS, () => false);
  await stage.google.setRate(0);
  const since = await stage.store.collections.requestSync(null);
  const caughtUp = async (): Promise<boolean> =>
    (await stage.store.collections.behindSince(null, since)).length === 0;
  if (!(await showUntil(scene, 'catching up', CATCH_UP_TIMEOUT_MS, caughtUp)))
    throw new OperatorError('The fleet did not catch up in time; the picture above says where.');
  progress.end();
  progress.say('comparing every mirror with its source');
  // Once more: the feeds' last events came after the last sync.
  await refreshWatched(stage.store, watch, rt.clock.nowMs());
  return {
    ...(await checkMirrors(stage.store, stage.google, watch, { startedMs, nowMs: rt.clock.nowMs })),
    arrivals: await stage.arrivals(),
  };
}

/**
 * Shows progress until `done`.
 * @returns whether it was done in time
 */
async function showUntil(
  scene: Scene,
  title: string,
  timeoutMs: number,
  done: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const { rt, stage, progress, watch, startedMs } = scene;
  const deadlineMs = rt.clock.nowMs() + timeoutMs;
  for (;;) {
    if (stderr().isClosed)
      throw new OperatorError('The demo ended early: its progress is read no more.');
    await refreshWatched(stage.store, watch, rt.clock.nowMs());
    progress.show(
      pictureOf(watch, { title, startedMs, arrivals: await stage.arrivals() }, rt.clock.nowMs()),
    );
    if (await done()) return true;
    if (rt.clock.nowMs() >= deadlineMs) return false;
    await rt.clock.sleep(CHECK_EVERY_MS, stage.signal);
  }
}
