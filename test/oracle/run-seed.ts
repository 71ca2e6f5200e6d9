import { actAtRandom } from './actions.js';
import { checkAll } from './checks.js';
import { makeQuiet } from './quiet.js';
import { Found, openWorld, type OracleWorld, type OracleEnvironment } from './world.js';

export type SeedResult = {
  seed: number;
  /** How often each fault and each counted event occurred in the seed's world. */
  fired: Record<string, number>;
} & ({ ok: true } | { ok: false; check: string; why: string; story: string[] });

/** Always reported, so that a long run shows a zero. */
const HELD_CONFIRMED = 'held sweeps confirmed';
const HELD_DISCARDED = 'held sweeps discarded';

/** Runs a seed. One integer determines a world, its users' actions, the faults, and their times. */
export async function runSeed(environment: OracleEnvironment, seed: number): Promise<SeedResult> {
  let world: OracleWorld | null = null;
  try {
    world = await openWorld(environment, seed);
    const actions = world.chance.between(10, 30);
    for (let i = 0; i < actions; i++) await actAtRandom(world);
    world.log.push('quiet');
    await makeQuiet(world);
    await checkAll(world);
    return { seed, ok: true, fired: await firedIn(world) };
  } catch (error) {
    return {
      seed,
      ok: false,
      fired: world ? await firedIn(world) : {},
      check: error instanceof Found ? error.check : 'nothing unexpected is thrown',
      why: whyOf(error),
      story: world?.log ?? [],
    };
  } finally {
    await world?.close();
  }
}

function whyOf(error: unknown): string {
  if (error instanceof Found) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * Returns the simulator's own count of the faults that occurred, and the world's further counts.
 */
async function firedIn({ simulator, engine, fired }: OracleWorld): Promise<Record<string, number>> {
  const { confirmed, discarded } = await engine.heldSweeps();
  return {
    ...simulator.ledger.snapshot().faults,
    ...Object.fromEntries(fired),
    [HELD_CONFIRMED]: confirmed,
    [HELD_DISCARDED]: discarded,
  };
}

/** Returns the text for a failing seed, with the command that repeats it. */
export function describeResult(result: SeedResult): string {
  if (result.ok) return `seed ${result.seed}: ok`;
  return [
    ...result.story.map((line) => `  ${line}`),
    `seed ${result.seed} failed: ${result.why}`,
    `npm run oracle -- --seed ${result.seed}`,
  ].join('\n');
}
