/**
 * npm run bench -- [NAME…] [--save] [--profile DIR] [--accounts=N] [--changes=N] [--seconds=N]
 * [--beside=N] [--messages=N] [--against REV [--pairs N] [--at-once]] — figures, not tests: a slow
 * result is not a failure.
 *
 * A benchmark prints its figures, their baselines and the machine. Machines vary and baselines come
 * from other runs: quote the ratios within one run, and CPU seconds, which the operating system
 * counts, rather than times. `--save` makes this run's figures the baselines; `--profile` leaves a
 * CPU profile of every process.
 *
 * `--against REV` builds another revision and runs both alternately, `--pairs` times (7), and
 * prints the median ratio of each figure with its interval. `--at-once` runs both at the same
 * moment, each on one half of the CPUs.
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { compareWith } from './against.mjs';
import { api } from './api.mjs';
import { backfill } from './backfill.mjs';
import { connect } from './connect.mjs';
import { disk } from './disk.mjs';
import { fairness } from './fairness.mjs';
import { baselineMachine, machine, saveBaselines } from './figures.mjs';
import { freshness } from './freshness.mjs';
import { governor } from './governor.mjs';
import { incremental } from './incremental.mjs';
import { latency } from './latency.mjs';
import { profileInto } from './processes.mjs';
import { scaling } from './scaling.mjs';
import { scheduler } from './scheduler.mjs';
import { units } from './units.mjs';

const BENCHMARKS = {
  api,
  backfill,
  connect,
  disk,
  fairness,
  freshness,
  latency,
  incremental,
  governor,
  scaling,
  scheduler,
  units,
};

const { values, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: {
    save: { type: 'boolean' },
    profile: { type: 'string' },
    accounts: { type: 'string' },
    changes: { type: 'string' },
    seconds: { type: 'string' },
    beside: { type: 'string' },
    messages: { type: 'string' },
    against: { type: 'string' },
    pairs: { type: 'string' },
    'at-once': { type: 'boolean' },
  },
});
const unknown = asked.filter((name) => !BENCHMARKS[name]);
if (unknown.length > 0)
  refuse(
    `no such benchmark: ${unknown.join(', ')}; there is ${Object.keys(BENCHMARKS).join(', ')}`,
  );
else await run();

async function run() {
  console.log(`machine: ${machine}`);
  await (values.against === undefined ? measure() : compare());
}

async function measure() {
  console.log(`baselines of: ${baselineMachine()}`);
  if (values.profile !== undefined) profileInto(values.profile);
  for (const name of asked.length > 0 ? asked : Object.keys(BENCHMARKS)) await BENCHMARKS[name]();
  if (values.save) saveBaselines();
}

async function compare() {
  const pairs = Number(values.pairs ?? 7);
  if (!Number.isInteger(pairs) || pairs < 1 || pairs > 100)
    return refuse(`--pairs is a whole number from 1 to 100, not ${values.pairs}`);
  if (asked.length === 0 || values.save || values.profile !== undefined)
    return refuse('--against wants the names of benchmarks, and neither --save nor --profile');
  const isAtOnce = values['at-once'] === true;
  if (isAtOnce && os.cpus().length < 2) return refuse('--at-once needs two CPUs');
  await compareWith(values.against, [...asked, ...passedOn()], { pairs, isAtOnce }).catch(
    (error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  );
}

/** The options of the benchmarks themselves. */
function passedOn() {
  return Object.entries(values)
    .filter(([name]) => !['against', 'pairs', 'at-once'].includes(name))
    .map(([name, value]) => `--${name}=${value}`);
}

function refuse(problem) {
  console.error(problem);
  process.exitCode = 2;
}
