/**
 * The governor's state in one process, the names of its keys, and the function that runs its
 * scripts.
 */
import type { Config, RedisConnection, RedisScript, Runtime, ServerRun } from '@syncline/runtime';
import { APIS, type Api } from './apis/facts.js';
import { pacificDay } from './pacific-day.js';
import type { Bucket, SpendMemory } from './quota-memory.js';
import { refuseUnlessReady, runScript } from './redis.js';

export type Limits = Config['quotas'];

export interface QuotaOptions {
  prefix: string;
  /** The Google project whose quota this is. */
  project: string;
  limits: Limits;
  /** Replaces Redis's clock in tests. */
  nowMs?: () => number;
}

/** The state that every operation of the governor needs; one per opened quota. */
export interface Ledger {
  rt: Runtime;
  redis: RedisConnection;
  options: QuotaOptions;
  /** The name of this process among those that charge. */
  name: string;
  memory: SpendMemory;
  /**
   * The epoch in which all usage of this process is recorded; empty before the first reply of
   * Redis.
   */
  epoch: string;
  /** The run of the server that holds this project's keys. */
  serverRun: ServerRun;
  reporting: Promise<void> | null;
  beating: Promise<void> | null;
  /**
   * Cached for up to an hour, because computing the Pacific date costs as much as a small charge.
   */
  today: { day: string; endsAtMs: number; goodUntilMs: number };
  /**
   * The last heartbeat that Redis accepted, by its clock, and the usage of our project windows that
   * it reported; null before the first.
   */
  beat: { atMs: number; reported: Record<Api, number> } | null;
  /** Redis's clock minus ours. */
  skewMs: number;
  /** The units that each bucket may hold while Redis is away; null while Redis is reachable. */
  kept: Map<string, number> | null;
  /** Whether usage, moves or closures exist that Redis does not have. */
  unreported: boolean;
  /** Until when lanes other than live wait because of the daily budget, by our clock. */
  dayClosedUntilMs: number;
  /** Number of calls that were named so far. */
  flights: number;
}

/** Returns the current time of Redis's clock, as far as this process knows it. */
export function redisNowMs(ledger: Ledger): number {
  return ledger.options.nowMs?.() ?? ledger.rt.clock.nowMs() + ledger.skewMs;
}

export function today(ledger: Ledger): { day: string; endsInMs: number } {
  const nowMs = ledger.rt.clock.nowMs();
  if (nowMs >= ledger.today.goodUntilMs) {
    const { day, endsInMs } = pacificDay(nowMs);
    ledger.today = {
      day,
      endsAtMs: nowMs + endsInMs,
      goodUntilMs: nowMs + Math.min(endsInMs, 3_600_000),
    };
  }
  return { day: ledger.today.day, endsInMs: ledger.today.endsAtMs - nowMs };
}

export function limitsOf(limits: Limits, api: Api): [user: number, project: number, day: number] {
  return APIS[api].limits(limits);
}

/**
 * All keys of a project's quota share one hash tag, so that one script may use them on Redis
 * Cluster too.
 */
export function quotaKey({ prefix, project }: QuotaOptions, name: string): string {
  return `${prefix}:{quota:${project}}:${name}`;
}

export function keyOf(ledger: Ledger, name: string): string {
  return quotaKey(ledger.options, name);
}

export function keyOfDay(ledger: Ledger, api: Api, day: string): string {
  return keyOf(ledger, `${api}:day:${day}`);
}

/** Calls in flight of a user over all APIs, because Google caps them together. */
export function keyOfFlights(ledger: Ledger, user: string): string {
  return keyOf(ledger, `user:${user}:flights`);
}

export function keysOf(ledger: Ledger, { api, user }: Bucket): [log: string, state: string] {
  const base = keyOf(ledger, user === null ? `${api}:project` : `${api}:user:${user}`);
  return [`${base}:log`, `${base}:state`];
}

export async function run(
  ledger: Ledger,
  script: RedisScript,
  keys: string[],
  args: (string | number)[],
): Promise<unknown[]> {
  const { redis, rt, name, options } = ledger;
  refuseUnlessReady(redis);
  const serverRun = await ledger.serverRun();
  const common = ['birth', 'witnesses', 'missing'].map((key) => keyOf(ledger, key));
  const reply = await runScript(
    redis,
    script,
    [...common, ...keys],
    [options.nowMs?.() ?? '', serverRun, ledger.epoch, rt.random.uuid(), name, ...args],
  );
  if (!Array.isArray(reply)) throw new TypeError('a quota script answers with a list');
  return reply;
}
