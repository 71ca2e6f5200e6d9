import { randomUUID } from 'node:crypto';
import { openGoogle, type Google } from '@syncline/google';
import { createRuntime, type Runtime } from '@syncline/runtime';
import type { Simulator } from '@syncline/simulator';
import type { Store } from '@syncline/store';
import { removeAccount, syncCollection, type Outcome } from '@syncline/sync';
import { redisUrl } from '../support/database.js';
import { scaled } from '../support/world.js';
import type { Chance } from './chance.js';
import { Interruption, type StopAt } from './interruption.js';

export const QUOTA_SCALE = 100;
const POLICY = { activeMs: 60_000, idleMs: 900_000 };

const UNDISTURBED = new Set<Outcome['kind']>(['caught-up', 'more', 'gone']);

export type Ran =
  | { kind: 'finished'; outcome: Outcome }
  | { kind: 'crashed'; where: string }
  | { kind: 'paused'; where: string; resume(): Promise<Outcome>; commitsSince(): number };

/**
 * The engine of one seed: the real store and the real google package; each run is a worker of its
 * own.
 */
export interface Engine {
  rt: Runtime;
  store: Store;
  run(collectionId: string, o: { sliceMs: number; stop: StopAt | null }): Promise<Ran>;
  /** Removes an account as the command does, while no worker runs. */
  remove(accountId: string): Promise<void>;
  /**
   * If any run did not end undisturbed (`UNDISTURBED`), the fleet starts again on an empty Redis:
   * the governor's closed quotas are open, and cached tokens are gone.
   */
  renewGoogle(): Promise<void>;
  /** Deletes our keys, like FLUSHALL, while the fleet runs. */
  loseRedis(): Promise<void>;
  /** Returns the units that the governor has charged for a method, by the simulator's name. */
  charged(method: string): number;
  /** Returns the results of sweeps that waited for evidence, from the fleet's metrics. */
  heldSweeps(): Promise<{ confirmed: number; discarded: number }>;
  close(): Promise<void>;
}

export async function openEngine(
  simulator: Simulator,
  store: Store,
  redis: RedisKeys,
  chance: Chance,
): Promise<Engine> {
  const rt = createRuntime({
    service: 'oracle',
    logLevel: 'silent',
    stdout: 'stderr',
    clock: clockOver(simulator),
    random: { next: chance.next, uuid: randomUUID },
  });
  const units = countCharges(rt);
  const opened: Google[] = [];
  let prefix = '';
  let sentAway = true;
  const renewGoogle = async (): Promise<void> => {
    if (!sentAway) return;
    sentAway = false;
    prefix = `oracle-${randomUUID()}`;
    const options = {
      apiUrl: simulator.url,
      clientId: 'test',
      clientSecret: 'test',
      redisUrl: redisUrl(),
      quotas: scaled(QUOTA_SCALE),
      tokens: store.vault,
      redisPrefix: prefix,
      deployment: null,
    };
    opened.push(await openGoogle(rt, options));
  };
  await renewGoogle();
  return {
    rt,
    store,
    renewGoogle,
    loseRedis: () => redis.lose(prefix),
    charged: (method) => units.get(method) ?? 0,
    heldSweeps: async () => ({
      confirmed: await totalOf(rt.metrics.sweepsConfirmed),
      discarded: await totalOf(rt.metrics.sweepsDiscarded),
    }),
    remove: async (accountId) => {
      sentAway = true;
      await renewGoogle();
      await removeAccount(rt, { store, google: opened.at(-1) as Google }, accountId);
    },
    run: async (collectionId, { sliceMs, stop }) => {
      const interruption = new Interruption(stop);
      const deps = {
        store: interruption.guard(store, 'store'),
        google: interruption.guard(opened.at(-1) as Google, 'google'),
        policy: POLICY,
      };
      const running = syncCollection(rt, deps, collectionId, {
        sliceMs,
        signal: interruption.signal,
      });
      const first = await Promise.race([
        running.then((outcome) => ({ outcome })),
        interruption.met,
      ]);
      sentAway ||= !first || !UNDISTURBED.has(first.outcome.kind);
      if (first) return { kind: 'finished', outcome: first.outcome };
      running.catch(() => undefined); // Awaited where the run is resumed.
      if (stop?.kind === 'crash') return { kind: 'crashed', where: interruption.where };
      return {
        kind: 'paused',
        where: interruption.where,
        commitsSince: () => interruption.commitsAfterRelease,
        resume: () => {
          interruption.release();
          return running;
        },
      };
    },
    async close() {
      await Promise.all(opened.map((google) => google.close()));
    },
  };
}

export interface RedisKeys {
  lose(prefix: string): Promise<void>;
}

async function totalOf(counter: Runtime['metrics']['sweepsConfirmed']): Promise<number> {
  return (await counter.get()).values.reduce((sum, { value }) => sum + value, 0);
}

/**
 * Counts the governor's charges by its metric: charges come before the call, and include those of
 * runs that crash.
 */
function countCharges(rt: Runtime): Map<string, number> {
  const units = new Map<string, number>();
  const counter = rt.metrics.googleQuotaUnits;
  const inc = counter.inc.bind(counter) as (
    labels: { api: string; method: string },
    value: number,
  ) => void;
  Object.assign(counter, {
    inc: (labels: { api: string; method: string }, value: number) => {
      const method = labels.method.replace(/^(gmail\.users|calendar|people)\./, '');
      units.set(method, (units.get(method) ?? 0) + value);
      inc(labels, value);
    },
  });
  return units;
}

/** Shorter waits are backoffs and polls; renewals of a lease, which lasts 6 s, wait for longer. */
const SHORT_WAIT_MS = 1_500;

/**
 * The engine uses the simulator's clock, which moves only when it is advanced; each read moves
 * it by a millisecond, so that slices end. Short waits (backoffs, polls) end at once. Waits of a
 * lease's length are real and end by their signal.
 */
function clockOver(simulator: Simulator): Runtime['clock'] {
  let ticksMs = 0;
  const nowMs = (): number => simulator.clock.nowMs() + ++ticksMs;
  return {
    nowMs,
    now: () => new Date(nowMs()),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        if (ms < SHORT_WAIT_MS) ticksMs += ms;
        const timer = setTimeout(
          () => {
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
          ms < SHORT_WAIT_MS ? 0 : ms,
        ).unref();
        const onAbort = (): void => {
          clearTimeout(timer);
          reject(signal?.reason as Error);
        };
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
  };
}
