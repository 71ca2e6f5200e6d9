/** One process's side of the governor: what it knows, how its keys are named, and the one way to run a script. */
import type { Config, RedisConnection, RedisScript, Runtime, ServerRun } from '@syncline/runtime';
import { APIS, type Api } from './apis/facts.js';
import { pacificDay } from './pacific-day.js';
import type { Bucket, SpendMemory } from './quota-memory.js';
import { refuseUnlessReady, runScript } from './redis.js';

export type Limits = Config['quotas'];

export interface QuotaOptions {
  prefix: string;
  /** Google's, whose quota it is. */
  project: string;
  limits: Limits;
  /** Replaces Redis's clock in tests. */
  nowMs?: () => number;
}

/** What every operation of the governor needs: one per opened quota. */
export interface Ledger {
  rt: Runtime;
  redis: RedisConnection;
  options: QuotaOptions;
  /** This process's name among those who charge. */
  name: string;
  memory: SpendMemory;
  /** The epoch that all our spend stands in; empty until Redis was first met. */
  epoch: string;
  /** The run of the server that keeps this project's keys. */
  serverRun: ServerRun;
  reporting: Promise<void> | null;
  beating: Promise<void> | null;
  /** Asking the calendar costs as much as a small charge: it is asked once an hour. */
  today: { day: string; endsAtMs: number; goodUntilMs: number };
  /** The last heartbeat that Redis took, by its clock, and what it was told that our project windows hold; null before the first. */
  beat: { atMs: number; reported: Record<Api, number> } | null;
  /** Redis's clock less ours. */
  skewMs: number;
  /** What each bucket may hold while Redis is away; null while it is not. */
  kept: Map<string, number> | null;
  /** Something was spent, moved or closed that Redis has not been told. */
  unreported: boolean;
  /** Until when lanes other than live stay away for the day's sake, by our clock. */
  dayShutUntilMs: number;
  /** Calls that were named so far. */
  flights: number;
}

/** Now, by Redis's clock as far as we know it. */
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

/** All keys of a project's quota share one hash tag, so that one script may touch them on any Redis. */
export function quotaKey({ prefix, project }: QuotaOptions, name: string): string {
  return `${prefix}:{quota:${project}}:${name}`;
}

export function keyOf(ledger: Ledger, name: string): string {
  return quotaKey(ledger.options, name);
}

export function keyOfDay(ledger: Ledger, api: Api, day: string): string {
  return keyOf(ledger, `${api}:day:${day}`);
}

/** Calls in flight of a user over all APIs: Google caps them together. */
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
