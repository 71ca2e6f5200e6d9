/**
 * Processes that run seeds: jest loads the sources; this file starts the servers and reads the
 * results line by line.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
export const ROOT = path.resolve(HERE, '../..');
/** No seed takes a tenth of this; one that hangs is ended, so that the others can run. */
const SILENCE_LIMIT_MS = 180_000;

/**
 * Starts one Postgres and one Redis for all processes of `work`, or uses those of the current test
 * run.
 */
export async function withServers(work) {
  if (process.env.SYNCLINE_TEST_DATABASE_URL && process.env.SYNCLINE_TEST_REDIS_URL) return work();
  const guard = spawn(process.execPath, [path.join(ROOT, 'test/support/guard.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const closed = new Promise((resolve) => guard.once('close', resolve));
  try {
    const line = await Promise.race([
      new Promise((resolve) => createInterface({ input: guard.stdout }).once('line', resolve)),
      closed,
    ]);
    if (typeof line !== 'string') throw new Error('the servers for the seeds did not start');
    const { databaseUrl, redisUrl } = JSON.parse(line);
    Object.assign(process.env, {
      SYNCLINE_TEST_DATABASE_URL: databaseUrl,
      SYNCLINE_TEST_REDIS_URL: redisUrl,
    });
    return await work();
  } finally {
    guard.stdin.end();
    await closed;
  }
}

/** Processes `items`, at most `limit` at once; the results are in the items' order. */
export async function inParallel(limit, items, work) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]);
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}

/**
 * Runs every seed of a range and reports each result with its CPU time. A process that ends or
 * hangs has failed its current seed, and another one continues after it; one that does not reach
 * its first seed has failed for all.
 */
export async function runStretch({ from, seeds }, env, report) {
  const end = from + seeds;
  for (let next = from; next < end;) {
    const { last, stopped, why } = await oneProcess(next, end - next, env, report);
    if (stopped || last === end - 1) return;
    const dead = last === null ? next : last + 1;
    report({
      seed: dead,
      ok: false,
      ran: last !== null,
      check: 'the process lives',
      spentMs: 0,
      story: `seed ${dead} failed: ${why}\nnpm run oracle -- --seed ${dead}`,
    });
    if (last === null || env.ORACLE_PLANT) return;
    next = dead + 1;
  }
}

function oneProcess(from, seeds, env, report) {
  const args = [
    path.join(ROOT, 'node_modules/jest/bin/jest.js'),
    '-c',
    path.join(HERE, 'jest.config.cjs'),
    '-i',
    '--silent',
    '--forceExit',
    '--reporters',
    path.join(HERE, 'quiet-reporter.cjs'),
  ];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env, ORACLE_FROM: String(from), ORACLE_SEEDS: String(seeds) },
  });
  return new Promise((resolve, reject) => {
    const seen = { last: null, stopped: false };
    let cpuMs = 0;
    let hung = false;
    const silence = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, SILENCE_LIMIT_MS);
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{"seed":')) return;
      silence.refresh();
      const result = JSON.parse(line);
      report({ ...result, ran: true, spentMs: result.cpuMs - cpuMs });
      cpuMs = result.cpuMs;
      Object.assign(seen, {
        last: result.seed,
        stopped: !result.ok && env.ORACLE_PLANT !== undefined,
      });
    });
    // A seed that was interrupted keeps handles open; jest's warning that it exits regardless is
    // expected and ignored.
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (!line.startsWith('Force exiting Jest')) process.stderr.write(`${line}\n`);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(silence);
      resolve({
        ...seen,
        why: hung
          ? `it gave no output for ${SILENCE_LIMIT_MS / 1_000} s`
          : `its process ended with code ${code}`,
      });
    });
  });
}
