/**
 * `npm run oracle`: more seeds than `npm test` has time for, one seed again, or the planted bugs.
 *
 *   npm run oracle -- --seed N             one seed, with its story if it fails
 *   npm run oracle -- --seeds N [--from N] N seeds on all cores, with progress; exit 1 on failures
 *   npm run oracle -- --planted [NAME…]    each planted bug (or those) until a seed finds it
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { plant, PLANTS } from './plants.mjs';
import { inParallel, ROOT, runStretch, withServers } from './stretch.mjs';

/** A bug that this many seeds do not find counts as escaped. */
const SEEDS_FOR_A_BUG = 500;
/**
 * Seeds per process: few enough that its memory stays small, and enough that its start does not
 * matter.
 */
const STRETCH = 250;
const PROGRESS_EVERY_MS = 15_000;
/**
 * The servers use part of the CPU, so that more processes than this would only wait for each other.
 */
const PROCESSES = Math.min(8, availableParallelism());

process.exitCode = await main();

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      from: { type: 'string' },
      planted: { type: 'boolean' },
    },
  });
  if (values.planted) return planted(positionals);
  const [from, count] = [
    values.seed ?? values.from ?? '1',
    values.seed ? '1' : (values.seeds ?? '100'),
  ];
  for (const [name, text] of Object.entries({ from, count })) {
    if (!/^\d{1,9}$/.test(text)) return usage(`${name} must be a whole number, and is ${text}`);
  }
  return withServers(() => manySeeds(Number(from), Number(count)));
}

async function manySeeds(from, count) {
  const progress = startProgress(count);
  const size = Math.min(STRETCH, Math.ceil(count / PROCESSES));
  const stretches = Array.from({ length: Math.ceil(count / size) }, (_, i) => ({
    from: from + i * size,
    seeds: Math.min(size, count - i * size),
  }));
  await inParallel(PROCESSES, stretches, (stretch) => runStretch(stretch, {}, progress.ran));
  return progress.end(from);
}

/** Counts the processes' results, prints progress at intervals, and failures at once. */
function startProgress(count) {
  const startedMs = Date.now();
  const failed = [];
  let done = 0;
  let cpuMs = 0;
  const fired = new Map();
  const figures = () =>
    `${failed.length} failed, ${(cpuMs / 1_000 / Math.max(1, done)).toFixed(2)} CPU s and ${((Date.now() - startedMs) / 1_000 / Math.max(1, done)).toFixed(2)} s a seed`;
  const timer = setInterval(
    () => console.log(`${done} of ${count} seeds, ${figures()}`),
    PROGRESS_EVERY_MS,
  );
  return {
    ran(result) {
      done += 1;
      cpuMs += result.spentMs;
      for (const [name, times] of Object.entries(result.fired ?? {}))
        fired.set(name, (fired.get(name) ?? 0) + times);
      if (result.ok) return;
      failed.push(result.seed);
      console.log(result.story);
    },
    end(from) {
      clearInterval(timer);
      console.log(
        `oracle: ${done} seeds from ${from} on in ${Math.round((Date.now() - startedMs) / 1_000)} s and ${Math.round(cpuMs / 1_000)} CPU s (without the servers'): ${figures()}`,
      );
      tellFired(fired);
      for (const seed of failed.sort((a, b) => a - b))
        console.log(`failed: npm run oracle -- --seed ${seed}`);
      return failed.length > 0 || done < count ? 1 : 0;
    },
  };
}

/** Prints the faults of all worlds: a fault that occurred seldom has proved little. */
function tellFired(fired) {
  const entries = [...fired].sort(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  for (const [name, times] of entries)
    console.log(`  ${name.padEnd(width)} ${String(times).padStart(7)}`);
}

/**
 * Runs seeds for each bug, in processes of its own, until one finds it; then the same seeds without
 * a bug. Exit 1 when a bug escapes, or a seed fails without a bug.
 */
async function planted(names) {
  const unknown = names.filter((name) => !PLANTS.some((one) => one.name === name));
  if (unknown.length > 0)
    return usage(
      `no such planted bug: ${unknown.join(', ')}; there are ${PLANTS.map((one) => one.name).join(', ')}`,
    );
  const chosen = PLANTS.filter((one) => names.length === 0 || names.includes(one.name));
  for (const one of chosen) plant(one, readFileSync(path.join(ROOT, one.file), 'utf8'));
  console.log('planted bug                  | seed | caught by the check');
  return withServers(async () => {
    const seeds = await inParallel(PROCESSES, chosen, caughtBy);
    const caught = seeds.filter((seed) => seed !== null);
    console.log(`${caught.length} of ${chosen.length} planted bugs caught`);
    const without =
      names.length > 0 || caught.length === 0 ? 0 : await manySeeds(1, Math.max(...caught));
    return caught.length < chosen.length ? 1 : without;
  });
}

/** Returns the first seed that fails because of the bug; null when it escapes. */
async function caughtBy(one) {
  const results = [];
  await runStretch(
    { from: 1, seeds: SEEDS_FOR_A_BUG },
    { ORACLE_PLANT: JSON.stringify(one) },
    (result) => results.push(result),
  );
  const failed = results.find((result) => !result.ok);
  // Seeds that did not run prove nothing.
  const ran = results.some((result) => result.ran);
  const caught = ran && failed !== undefined ? failed : null;
  const missed = ran ? 'ESCAPED' : 'DID NOT RUN';
  console.log(
    `${one.name.padEnd(28)} | ${String(caught?.seed ?? '-').padStart(4)} | ${caught?.check ?? missed}`,
  );
  return caught?.seed ?? null;
}

function usage(problem) {
  console.error(
    `${problem}\nusage: npm run oracle -- [--seed N | --seeds N [--from N] | --planted [NAME…]]`,
  );
  return 2;
}
