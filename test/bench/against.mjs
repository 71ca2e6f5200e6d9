/**
 * `npm run bench -- NAME… --against REV [--pairs N]`: runs the same benchmarks of this checkout and
 * of another revision alternately.
 *
 * REV is checked out and built under .syncline/against, with the dependencies of its own lockfile,
 * and runs its own benchmarks, which match its schema. Within a pair one runs directly after the
 * other, and the pairs alternate the order, so that a machine that becomes slower affects both
 * equally. With `--at-once` both run at the same moment, each on one half of the CPUs, and the pairs
 * exchange the halves: the speed of a virtual machine may vary by a quarter within a minute, which
 * runs one after the other take for a difference of the revisions. It needs `taskset` (util-linux).
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { medianRatio } from './ratios.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
/**
 * A line of `figure()` or `units`: name, value, unit, and in parentheses what it is compared with.
 */
const FIGURE =
  /^(.+?)(?: {2,}|: )(\d+(?:\.\d+)?(?:e[+-]\d+)?) (.+?) +\((?:baseline|no baseline|at most)/;

/**
 * @param args the benchmarks' names and options, passed on to both sides
 * @param isAtOnce whether both sides of a pair run at the same moment
 */
export async function compareWith(revision, args, { pairs, isAtOnce }) {
  const commit = git('rev-parse', '--verify', `${revision}^{commit}`);
  const other = checkout(commit);
  console.log(
    `${shortOf('HEAD')}${isDirty() ? ' with uncommitted changes' : ''} against ${shortOf(commit)}, ${pairs} pairs${isAtOnce ? ', both at once' : ''}`,
  );
  const measured = [];
  for (let pair = 0; pair < pairs; pair++) {
    const order = pair % 2 === 0 ? [ROOT, other] : [other, ROOT];
    const figures = await (isAtOnce ? figuresAtOnce(order, args) : figuresAlternately(order, args));
    measured.push({ ours: figures.get(ROOT), theirs: figures.get(other) });
    console.log(`pair ${pair + 1} of ${pairs}: ${oneLine(measured.at(-1))}`);
  }
  report(measured);
}

async function figuresAlternately(order, args) {
  const figures = new Map();
  for (const root of order) figures.set(root, await figuresOf(root, args));
  return figures;
}

async function figuresAtOnce(order, args) {
  const cpus = os.cpus().map((_cpu, number) => number);
  const half = Math.floor(cpus.length / 2);
  const halves = [cpus.slice(0, half), cpus.slice(half, 2 * half)];
  return new Map(
    await Promise.all(
      order.map(async (root, at) => [root, await figuresOf(root, args, halves[at])]),
    ),
  );
}

function report(measured) {
  const [{ ours, theirs }] = measured;
  console.log(
    `\n${'figure'.padEnd(52)} ${'ratio'.padStart(6)}  interval (95 %)   median of ours and theirs`,
  );
  for (const [name, { unit }] of ours) {
    const both = measured.flatMap((pair) => {
      const [our, their] = [pair.ours.get(name)?.value, pair.theirs.get(name)?.value];
      return our > 0 && their > 0 ? [{ our, their }] : [];
    });
    if (both.length < measured.length) continue;
    const { median, low, high } = medianRatio(both.map(({ our, their }) => our / their));
    const [our, their] = [both.map((pair) => pair.our), both.map((pair) => pair.their)].map(middle);
    console.log(
      `${name.padEnd(52)} ${median.toFixed(3).padStart(6)}  ${low.toFixed(3)} to ${high.toFixed(3)}    ${our} and ${their} ${unit}`,
    );
  }
  const onlyOurs = [...ours.keys()].filter((name) => !theirs.has(name));
  if (onlyOurs.length > 0) console.log(`not measured by both: ${onlyOurs.join(', ')}`);
}

function oneLine({ ours, theirs }) {
  return [...ours]
    .filter(([name]) => theirs.has(name) && /CPU/.test(name))
    .map(([name, { value }]) => `${name} ${(value / theirs.get(name).value).toFixed(3)}`)
    .join('; ');
}

/** Checks out and builds the revision; the checkout is kept for the next comparison. */
function checkout(commit) {
  const folder = path.join(ROOT, '.syncline/against', commit.slice(0, 12));
  if (!existsSync(path.join(folder, 'package.json'))) {
    git('worktree', 'prune');
    git('worktree', 'add', '--detach', '--force', folder, commit);
  }
  console.log(`building ${commit.slice(0, 7)}`);
  execFileSync('npm', ['run', '--silent', 'build'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return folder;
}

/** A failing benchmark runs once more: one failure in an hour must not discard the other pairs. */
async function figuresOf(root, args, cpus) {
  try {
    return await run(root, args, cpus);
  } catch (error) {
    console.log(`${error.message}; it runs once more`);
    return run(root, args, cpus);
  }
}

/**
 * Runs the benchmarks of one checkout.
 * @param cpus the numbers of the CPUs to use; all when omitted
 * @returns name → value and unit, in the order of the output
 */
function run(root, args, cpus) {
  const node = [process.execPath, 'test/bench/run.mjs', ...args];
  const [command, ...rest] = cpus ? ['taskset', '-c', cpus.join(','), ...node] : node;
  const child = spawn(command, rest, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const figures = new Map();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, name, value, unit] = FIGURE.exec(line) ?? [];
    if (name !== undefined) figures.set(name, { value: Number(value), unit });
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 && figures.size > 0) return resolve(figures);
      reject(
        new Error(
          `the benchmarks of ${root} ended with code ${code} and ${figures.size} figures; run \`npm run bench -- ${args.join(' ')}\` there to see why`,
        ),
      );
    });
  });
}

function isDirty() {
  return git('status', '--porcelain', '--untracked-files=no') !== '';
}

function shortOf(revision) {
  return git('rev-parse', '--short', revision);
}

function git(...args) {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
}

function middle(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
