import type { SimClock } from '../clock.js';
import type { Prng } from '../prng.js';
import type { World } from '../world.js';
import { act, randomAction } from './act.js';

const TICK_MS = 100;
const RATE_LIMIT = 10_000;

/** All users together; they act at random, at a rate or on demand. */
export interface RandomTraffic {
  readonly perSecond: number;
  /**
   * Sets the actions per second over all accounts; 0 stops. Throws RangeError for an invalid rate.
   */
  setRate(perSecond: number): void;
  /** Performs that many actions at once; returns how many found something to act on. */
  actAtRandom(count: number): number;
  stop(): void;
}

export function openRandomTraffic(world: World, clock: SimClock, prng: Prng): RandomTraffic {
  let perSecond = 0;
  let due = 0;
  let timer: NodeJS.Timeout | null = null;
  const actAtRandom = (count: number): number => {
    const accounts = world.all();
    let done = 0;
    for (let n = 0; n < count && accounts.length > 0; n++) {
      const account = prng.pick(accounts);
      if (act({ world, clock, account }, { action: randomAction(account) }).done) done += 1;
    }
    return done;
  };
  const stop = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
    due = 0;
  };
  const tick = (): void => {
    due += (perSecond * TICK_MS) / 1_000;
    const whole = Math.floor(due);
    due -= whole;
    actAtRandom(whole);
  };
  return {
    get perSecond() {
      return perSecond;
    },
    setRate: (rate) => {
      if (!Number.isFinite(rate) || rate < 0 || rate > RATE_LIMIT)
        throw new RangeError(`perSecond must be between 0 and ${RATE_LIMIT}`);
      stop();
      perSecond = rate;
      if (rate > 0) timer = setInterval(tick, TICK_MS).unref();
    },
    actAtRandom,
    stop,
  };
}
