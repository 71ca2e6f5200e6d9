/**
 * `npm run oracle`: more seeds than `npm test` has time for, one seed again, or the planted bugs.
 *
 *   npm run oracle -- --seed N             one seed, with its story if it fails
 *   npm run oracle -- --seeds N [--from N] so many, with progress; exit 1 and every failing seed when one fails
 *   npm run oracle -- --planted [NAME]     each planted bug (or one) until a seed catches it; the table of who caught what
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { plant, PLANTS } from './plants.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.resolve(HERE, '../..');
/** A bug that so many seeds do not meet counts as escaped. */
const SEEDS_FOR_A_BUG = 120;

process.exitCode = await main();

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seed: { type: 'string' }, seeds: { type: 'string' }, from: { type: 'string' }, planted: { type: 'boolean' } },
  });
  if (values.planted) return planted(positionals);
  const from = values.seed ?? values.from ?? '1';
  const count = values.seed ? '1' : (values.seeds ?? '100');
  for (const [name, text] of Object.entries({ from, count })) {
    if (!/^\d{1,9}$/.test(text)) return usage(`${name} must be a whole number, and is ${text}`);
  }
  const { code } = await jest({ ORACLE_FROM: from, ORACLE_SEEDS: count }, process.stdout);
  return code;
}

/** Every bug on seeds of its own process, until one is caught; exit 1 when one escapes. */
async function planted(names) {
  const unknown = names.filter((name) => !PLANTS.some((one) => one.name === name));
  if (unknown.length > 0) return usage(`no such planted bug: ${unknown.join(', ')}; there are ${PLANTS.map((one) => one.name).join(', ')}`);
  const chosen = PLANTS.filter((one) => names.length === 0 || names.includes(one.name));
  for (const one of chosen) plant(one, readFileSync(path.join(ROOT, one.file), 'utf8'));
  let escaped = 0;
  console.log('planted bug                  | seed | caught by the check');
  for (const one of chosen) {
    const said = await jest({ ORACLE_PLANT: JSON.stringify(one), ORACLE_FROM: '1', ORACLE_SEEDS: String(SEEDS_FOR_A_BUG) });
    const found = /^\{"caughtBy":.*\}$/m.exec(said.stdout)?.[0];
    // Seeds that never ran prove nothing, neither way.
    const { caughtBy, check } = found ? JSON.parse(found) : { caughtBy: '-', check: said.stdout.includes('oracle: ') ? 'ESCAPED' : 'DID NOT RUN' };
    if (!found) escaped += 1;
    console.log(`${one.name.padEnd(28)} | ${String(caughtBy).padStart(4)} | ${check}`);
  }
  console.log(`${chosen.length - escaped} of ${chosen.length} planted bugs caught`);
  return escaped > 0 ? 1 : 0;
}

function usage(problem) {
  console.error(`${problem}\nusage: npm run oracle -- [--seed N | --seeds N [--from N] | --planted [NAME…]]`);
  return 2;
}

/** The seeds run under jest, which gives them the sources and the servers; what they have to say goes to stdout by itself. */
function jest(env, onto) {
  const args = [path.join(ROOT, 'node_modules/jest/bin/jest.js'), '-c', path.join(HERE, 'jest.config.cjs'), '-i', '--silent', '--reporters', path.join(HERE, 'quiet-reporter.cjs')];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      onto?.write(text);
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, stdout }));
  });
}
