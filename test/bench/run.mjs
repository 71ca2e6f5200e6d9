/**
 * npm run bench [backfill] [scheduler] [units] — figures, not tests: nothing here fails for being slow.
 *
 * A benchmark prints what it measured and the machine it ran on. Machines are noisy: quote the ratios within one run, and CPU
 * seconds, which the operating system counts, rather than times.
 */
import { cpus, totalmem } from 'node:os';
import { backfill } from './backfill.mjs';
import { scheduler } from './scheduler.mjs';
import { units } from './units.mjs';

const BENCHMARKS = { backfill, scheduler, units };

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !BENCHMARKS[name]);
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')}; there is ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(2);
}
console.log(`machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`);
for (const name of asked.length > 0 ? asked : Object.keys(BENCHMARKS)) await BENCHMARKS[name]();
