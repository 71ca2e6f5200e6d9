import { runSeed, describeResult } from './run-seed.js';
import { openEnvironment, type OracleEnvironment } from './world.js';

/*
 * Runs a range of seeds for run.mjs. Every seed is printed as one line of JSON, so that run.mjs
 * knows in which seed a process ended. With a planted bug the first failing seed is the last one.
 */

let environment: OracleEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

const FROM = Number(process.env['ORACLE_FROM'] ?? 1);
const SEEDS = Number(process.env['ORACLE_SEEDS'] ?? 100);

test(
  'every seed ends with a mirror that equals its source',
  async () => {
    let failed = 0;
    for (let seed = FROM; seed < FROM + SEEDS; seed++) {
      const result = await runSeed(environment, seed);
      const { user, system } = process.cpuUsage();
      const cpuMs = Math.round((user + system) / 1_000);
      process.stdout.write(
        `${JSON.stringify({ seed, cpuMs, fired: result.fired, ...(result.ok ? { ok: true } : { ok: false, check: result.check, story: describeResult(result) }) })}\n`,
      );
      if (!result.ok) failed += 1;
      if (failed > 0 && process.env['ORACLE_PLANT']) break;
    }
    expect(`${failed} seeds failed`).toBe('0 seeds failed');
  },
  2 ** 31 - 1,
);
