import { once } from 'node:events';
import { createRuntime, systemClock } from '@syncline/runtime';
import { Redis } from 'ioredis';
import { type Charge, type Quota, openQuota } from '../src/quota.js';
import type { Limits, QuotaOptions } from '../src/quota-process.js';
import { KEEP_MS } from '../src/quota-scripts.js';
import type { TestRedis } from './redis-server.js';

export const START_MS = 1_800_000_000_000;
export const LIMITS: Limits = {
  gmailUnitsPerUserMinute: 6_000,
  gmailUnitsPerProjectMinute: 12_000,
  gmailUnitsPerProjectDay: 80_000_000,
  calendarRequestsPerUserMinute: 600,
  calendarRequestsPerProjectMinute: 10_000,
  peopleRequestsPerUserMinute: 90,
  peopleRequestsPerProjectMinute: 1_000_000,
  gmailTier: 'new',
};
const rt = createRuntime({ service: 'test', logLevel: 'silent' });

/** A process with a connection of its own, which the test can cut. */
export interface Process {
  quota: Quota;
  lose(): Promise<void>;
  back(): Promise<void>;
}

/** A virtual clock on which any number of processes share one ledger. */
export interface QuotaWorld {
  time: { nowMs: number };
  prefix: string;
  join(): Quota;
  joinApart(): Promise<Process>;
}

/** Creates worlds on one Redis; `end` stops everything that they opened. */
export function quotaWorlds(redis: () => TestRedis): {
  world(limits?: Partial<Limits>): QuotaWorld;
  end(): Promise<void>;
} {
  const quotas: Quota[] = [];
  const clients: Redis[] = [];
  return {
    world: (limits = {}) => worldOn(redis(), limits, quotas, clients),
    end: async () => {
      await Promise.all(quotas.splice(0).map((quota) => quota.stop()));
      for (const client of clients.splice(0)) client.disconnect();
    },
  };
}

function worldOn(
  redis: TestRedis,
  limits: Partial<Limits>,
  quotas: Quota[],
  clients: Redis[],
): QuotaWorld {
  const time = { nowMs: START_MS };
  const prefix = redis.prefix();
  const options: QuotaOptions = {
    prefix,
    project: 'default',
    limits: { ...LIMITS, ...limits },
    nowMs: () => time.nowMs,
  };
  const openOn = (client: Redis): Quota => {
    const quota = openQuota(
      { ...rt, clock: { ...systemClock, nowMs: () => time.nowMs } },
      client,
      options,
    );
    quotas.push(quota);
    return quota;
  };
  const joinApart = async (): Promise<Process> => {
    const client = new Redis(redis.url, {
      enableOfflineQueue: false,
      retryStrategy: () => null,
      lazyConnect: true,
    });
    clients.push(client);
    client.on('error', () => undefined);
    await client.connect();
    return { quota: openOn(client), lose: () => cut(client), back: () => client.connect() };
  };
  return { time, prefix, join: () => openOn(redis.client), joinApart };
}

async function cut(client: Redis): Promise<void> {
  const closed = once(client, 'end');
  client.disconnect();
  await closed;
}

export const gmail = (over: Partial<Charge> = {}): Charge => ({
  user: 'ada',
  api: 'gmail',
  costPerItem: 20,
  items: 20,
  lane: 'live',
  ...over,
});

interface Arrival {
  atMs: number;
  user: string;
  units: number;
}

/** Returns the largest number of units in any 60 s window of `arrivals`. */
function busiestMinute(arrivals: Arrival[]): number {
  const sorted = [...arrivals].sort((a, b) => a.atMs - b.atMs);
  let busiest = 0;
  let sum = 0;
  let tail = 0;
  for (const head of sorted) {
    sum += head.units;
    while ((sorted[tail]?.atMs ?? Infinity) <= head.atMs - 60_000)
      sum -= sorted[tail++]?.units ?? 0;
    busiest = Math.max(busiest, sum);
  }
  return busiest;
}

export interface LoadRun {
  arrivals: Arrival[];
  lastEndMs: number;
}

export interface LoadEvent {
  atMs: number;
  happen(): Promise<void> | void;
}

/**
 * Runs clients that charge as fast as they may on one virtual clock, and that retry after at most
 * `patienceMs`; `events` run at their times. Client i works for user i modulo `users`.
 */
export async function runSaturatingLoad(
  time: { nowMs: number },
  clients: Quota[],
  minutes: number,
  users: string[],
  events: LoadEvent[] = [],
  patienceMs = KEEP_MS,
): Promise<LoadRun> {
  const arrivals: Arrival[] = [];
  let seed = 7;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const agenda: LoadEvent[] = events.map((event) => ({
    atMs: START_MS + event.atMs,
    happen: event.happen,
  }));
  for (const [i, quota] of clients.entries()) {
    const user = users[i % users.length] ?? '';
    const work = async (): Promise<void> => {
      const charged = await quota.charge(gmail({ user, lane: 'bulk' }));
      if ('waitMs' in charged)
        return void agenda.push({
          atMs: time.nowMs + Math.min(charged.waitMs, patienceMs),
          happen: work,
        });
      arrivals.push({ atMs: time.nowMs + random() * 500, user, units: charged.granted * 20 });
      agenda.push({ atMs: time.nowMs + 200 + random() * 300, happen: work });
    };
    const beat = async (): Promise<void> => {
      // While Redis is away a heartbeat fails, as in production; the next one follows after a
      // second.
      await quota.beat().catch(() => undefined);
      agenda.push({ atMs: time.nowMs + 1_000, happen: beat });
    };
    agenda.push(
      { atMs: START_MS + i * 37, happen: work },
      { atMs: START_MS + i * 91, happen: beat },
    );
  }
  while (time.nowMs < START_MS + minutes * 60_000) {
    agenda.sort((a, b) => b.atMs - a.atMs);
    const next = agenda.pop();
    if (!next) break;
    time.nowMs = Math.max(time.nowMs, Math.ceil(next.atMs));
    await next.happen();
  }
  return { arrivals, lastEndMs: time.nowMs };
}

/** Returns the units that arrived from `fromMs` to `toMs` after the start. */
export function unitsBetween({ arrivals }: LoadRun, fromMs: number, toMs: number): number {
  return arrivals
    .filter(({ atMs }) => atMs >= START_MS + fromMs && atMs < START_MS + toMs)
    .reduce((sum, { units }) => sum + units, 0);
}

/** Returns the share of `limit` that was used after the first minute, which is always full. */
export function usedShare(load: LoadRun, limit: number): number {
  const toMs = load.lastEndMs - START_MS;
  return unitsBetween(load, KEEP_MS, toMs) / ((limit * (toMs - KEEP_MS)) / 60_000);
}

/** Returns the units of the busiest minute of the project, and of its busiest user. */
export function peaks({ arrivals }: LoadRun): { project: number; user: number } {
  const users = [...new Set(arrivals.map(({ user }) => user))];
  return {
    project: busiestMinute(arrivals),
    user: Math.max(
      ...users.map((user) => busiestMinute(arrivals.filter((arrival) => arrival.user === user))),
    ),
  };
}
