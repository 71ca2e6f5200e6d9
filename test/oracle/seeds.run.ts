import { runSeed, tell, type Verdict } from './run-seed.js';
import { openTheatre, type Theatre } from './stage.js';

/* The long run: as many seeds as asked for, every failure printed, and a summary. */

let theatre: Theatre;
beforeAll(async () => { theatre = await openTheatre(); });
afterAll(() => theatre.close());

const FROM = Number(process.env['ORACLE_FROM'] ?? 1);
const SEEDS = Number(process.env['ORACLE_SEEDS'] ?? 100);
const PROGRESS_EVERY_MS = 10_000;

test('every seed ends with a mirror that equals its source', async () => {
  const failed: Verdict[] = [];
  const startedMs = Date.now();
  let saidMs = startedMs;
  for (let seed = FROM; seed < FROM + SEEDS; seed++) {
    const verdict = await runSeed(theatre, seed);
    if (!verdict.ok) {
      failed.push(verdict);
      if (process.env['ORACLE_PLANT']) return say(JSON.stringify({ caughtBy: seed, check: verdict.check }));
      say(tell(verdict));
    }
    if (Date.now() - saidMs > PROGRESS_EVERY_MS) {
      saidMs = Date.now();
      say(`${seed - FROM + 1} of ${SEEDS} seeds, ${failed.length} failed, ${((saidMs - startedMs) / (seed - FROM + 1) / 1_000).toFixed(2)} s a seed`);
    }
  }
  say(`oracle: ${SEEDS} seeds from ${FROM} on in ${Math.round((Date.now() - startedMs) / 1_000)} s: ${failed.length} failed${failed.map((v) => ` ${v.seed}`).join('')}`);
  expect(`${failed.length} seeds failed`).toBe('0 seeds failed');
}, 2 ** 31 - 1);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
