/**
 * The governor: nothing is sent to Google that was not charged here first, retries and every part of a batch included.
 * The decision is one script on Redis (`quota-script.ts` tells the law and what happens when Redis forgets). Redis
 * unreachable means no: a call that nobody counted may be the one that convicts the whole project.
 */
import type { Config, Runtime } from '@syncline/runtime';
import type { Redis } from 'ioredis';
import type { Api } from './costs.js';
import { pacificDay } from './pacific-day.js';
import { type Bucket, type SpendMemory, openSpendMemory } from './quota-memory.js';
import { CHARGE, CLOSE, HEARTBEAT, MOVE, REPORT, REPORTED, USAGE } from './quota-script.js';
import { type Script, isRedisWeather, refuseUnlessReady, runScript } from './redis.js';

export type Lane = 'live' | 'catch-up' | 'backfill';
const LANES: Record<Lane, number> = { live: 1, 'catch-up': 2, backfill: 3 };

const HEARTBEAT_MS = 1_000;
/** How soon a call refused for want of Redis, or of a common epoch, is worth another try. */
const RETRY_MS = 1_000;
const REPORT_CHUNK = 200;
const USAGE_CHUNK = 200;
const HOUR_MS = 3_600_000;

export type Limits = Config['quotas'];

export interface Charge {
  user: string;
  api: Api;
  costPerItem: number;
  /** How many calls are wanted; as many whole ones as fit are granted. */
  items: number;
  lane: Lane;
}

/** What a granted charge is remembered by. */
export interface Receipt {
  user: string;
  api: Api;
  slot: number;
  units: number;
}

type Scope = 'user' | 'project' | 'day';

/** `redisTrouble`: nobody was asked, since Redis did not answer. */
export type Verdict = { granted: number; receipt: Receipt } | { granted: 0; waitMs: number; scope: Scope; redisTrouble: Error | null };

export interface Used {
  used: number;
  limit: number;
  /** Above 0 while Google's refusal keeps this closed. */
  closedForMs: number;
}

/** Units (Gmail) and requests (Calendar) in the current minute's window, and Gmail's units of the Pacific day. */
export interface QuotaUsage {
  gmail: { project: Used; day: { day: string; used: number; limit: number }; users: Record<string, Used> };
  calendar: { project: Used; users: Record<string, Used> };
}

export interface Quota {
  charge(charge: Charge): Promise<Verdict>;
  /** Counts a slow call from now on, since it may have reached Google as late as its answer came. */
  move(receipt: Receipt): Promise<void>;
  /** Closes a user's, or with null the project's, window of `api`. */
  close(api: Api, user: string | null, forMs: number): Promise<void>;
  /** @throws Error of the Redis client when Redis is away. */
  usage(users: string[]): Promise<QuotaUsage>;
  /** Checks at once whether Redis still knows what we know; the heartbeat does it every second. */
  beat(): Promise<void>;
  /** Ends the heartbeat. */
  stop(): Promise<void>;
}

export interface QuotaOptions {
  prefix: string;
  limits: Limits;
  /** Replaces Redis's clock in tests. */
  nowMs?: () => number;
}

/** What every operation below needs: one per opened quota. */
interface Ledger {
  rt: Runtime;
  redis: Redis;
  options: QuotaOptions;
  /** This process's name among those who charge. */
  name: string;
  memory: SpendMemory;
  /** The epoch that all our spend stands in; empty until Redis was first met. */
  epoch: string;
  /** The server's run id, null until asked on this connection. */
  run: string | null;
  reporting: Promise<void> | null;
  /** Asking the calendar costs as much as a small charge: it is asked once an hour. */
  today: { day: string; endsAtMs: number; goodUntilMs: number };
}

/** Starts the heartbeat; `stop` ends it. Does not wait for Redis. */
export function openQuota(rt: Runtime, redis: Redis, options: QuotaOptions): Quota {
  const ledger: Ledger = { rt, redis, options, name: rt.random.uuid(), memory: openSpendMemory(), epoch: '', run: null, reporting: null, today: { day: '', endsAtMs: 0, goodUntilMs: 0 } };
  const forgetRun = (): void => void (ledger.run = null);
  redis.on('close', forgetRun);
  const timer = setInterval(() => void beat(ledger).catch((err: unknown) => missedBeat(rt, err)), HEARTBEAT_MS).unref();
  return {
    charge: (wanted) => charge(ledger, wanted),
    move: (receipt) => move(ledger, receipt),
    close: (api, user, forMs) => close(ledger, { api, user }, forMs),
    usage: (users) => usage(ledger, users),
    beat: () => beat(ledger),
    stop: async () => {
      clearInterval(timer);
      redis.off('close', forgetRun);
    },
  };
}

/** Redis being away needs no word: the connection's own handler has spoken, and the next beat is a second away. */
function missedBeat(rt: Runtime, err: unknown): void {
  if (!isRedisWeather(err)) rt.log.error({ event: 'quota-heartbeat-failed', err }, "The quota's heartbeat failed; what Redis forgets now may not be told again");
}

async function charge(ledger: Ledger, wanted: Charge): Promise<Verdict> {
  try {
    const verdict = await tryCharge(ledger, wanted);
    if (verdict) return verdict;
    await report(ledger);
    return (await tryCharge(ledger, wanted)) ?? putOff(RETRY_MS, 'project');
  } catch (error) {
    if (!isRedisWeather(error)) throw error;
    return { ...putOff(RETRY_MS, 'project'), redisTrouble: error };
  }
}

function putOff(waitMs: number, scope: Scope): { granted: 0; waitMs: number; scope: Scope; redisTrouble: null } {
  return { granted: 0, waitMs, scope, redisTrouble: null };
}

/** Null when Redis met us with an epoch that our spend does not stand in. */
async function tryCharge(ledger: Ledger, { user, api, costPerItem, items, lane }: Charge): Promise<Verdict | null> {
  const { day, endsInMs } = today(ledger);
  const dayKey = keyOfDay(ledger, api, day);
  const [userLimit, projectLimit, dayLimit] = limitsOf(ledger.options.limits, api);
  const keys = [...keysOf(ledger, { api, user }), ...keysOf(ledger, { api, user: null }), dayKey];
  const reply = await run(ledger, CHARGE, keys, [costPerItem, items, userLimit, projectLimit, LANES[lane], dayLimit]);
  if (!settled(ledger, reply)) return null;
  const granted = Number(reply[0]);
  if (granted === 0) {
    // A day's wait is cut into hours, so that a raised budget is noticed.
    const scope = reply[3] === 'day' || reply[3] === 'user' ? reply[3] : 'project';
    return putOff(scope === 'day' ? Math.min(endsInMs, HOUR_MS) : Math.max(1, Number(reply[2])), scope);
  }
  const receipt = { user, api, slot: Number(reply[4]), units: granted * costPerItem };
  ledger.memory.spent({ ...receipt, atMs: Number(reply[5]) }, dayKey);
  return { granted, receipt };
}

async function move(ledger: Ledger, { user, api, slot, units }: Receipt): Promise<void> {
  const keys = [...keysOf(ledger, { api, user }), ...keysOf(ledger, { api, user: null })];
  try {
    const reply = await run(ledger, MOVE, keys, [slot, units]);
    // Not moved when Redis forgot: the next charge or beat reports it from its old slot.
    if (settled(ledger, reply)) ledger.memory.moved({ api, user, units, slot: Number(reply[2]), atMs: Number(reply[3]) }, slot);
  } catch (error) {
    // Failing a paid answer for its bookkeeping would ask Google twice; the charge stands, with a thinner margin.
    if (!isRedisWeather(error)) throw error;
  }
}

async function close(ledger: Ledger, bucket: Bucket, forMs: number): Promise<void> {
  try {
    const reply = await run(ledger, CLOSE, keysOf(ledger, bucket), [forMs]);
    settled(ledger, reply);
    ledger.memory.closed(bucket, Number(reply[2]));
  } catch (error) {
    // The caller is about to throw what Google said, which weighs more; without Redis no call is granted anyway.
    if (!isRedisWeather(error)) throw error;
  }
}

async function beat(ledger: Ledger): Promise<void> {
  const reply = await run(ledger, HEARTBEAT, [], []);
  if (!settled(ledger, reply)) return report(ledger);
  const seen: [string, number][] = [];
  for (let i = 3; i + 1 < reply.length; i += 2) seen.push([String(reply[i]), Number(reply[i + 1])]);
  ledger.memory.witnesses(seen, Number(reply[2]));
}

/** Whether our spend stands in Redis's epoch. A process that knows none yet has spent nothing and takes what it meets. */
function settled(ledger: Ledger, reply: unknown[]): boolean {
  if (Number(reply[0]) === -1) return false;
  if (ledger.epoch === '') ledger.epoch = String(reply[1]);
  return true;
}

/** Tells a Redis that forgot what this process spent; one report at a time. */
function report(ledger: Ledger): Promise<void> {
  ledger.reporting ??= tell(ledger).finally(() => {
    ledger.reporting = null;
  });
  return ledger.reporting;
}

async function tell(ledger: Ledger): Promise<void> {
  const { memory, rt } = ledger;
  const told = memory.tell();
  const epochs = new Set<string>();
  for (let i = 0; i < told.length; i += REPORT_CHUNK) {
    const chunk = told.slice(i, i + REPORT_CHUNK);
    const keys = chunk.flatMap((bucket) => keysOf(ledger, bucket));
    const reply = await run(ledger, REPORT, keys, [JSON.stringify(chunk.map(({ entries, closedUntil }) => ({ entries, closedUntil })))]);
    epochs.add(String(reply[1]));
  }
  const days = memory.days();
  const closing = [JSON.stringify(days.map(([, units]) => units)), JSON.stringify(memory.knownWitnesses())];
  const reply = await run(ledger, REPORTED, days.map(([key]) => key), closing);
  epochs.add(String(reply[1]));
  // Two epochs: Redis forgot again while we spoke. The next beat tells everything once more.
  if (epochs.size === 1) ledger.epoch = String(reply[1]);
  rt.log.warn({ event: 'quota-reported-again', buckets: told.length }, 'Redis had forgotten the quota; told it what this process spent');
}

async function usage(ledger: Ledger, users: string[]): Promise<QuotaUsage> {
  const [gmail, calendar] = [await usageOf(ledger, 'gmail', users), await usageOf(ledger, 'calendar', users)];
  const { day } = today(ledger);
  const total = Number((await ledger.redis.hget(keyOfDay(ledger, 'gmail', day), 'total')) ?? 0);
  return { gmail: { ...gmail, day: { day, used: total, limit: ledger.options.limits.gmailUnitsPerProjectDay } }, calendar };
}

async function usageOf(ledger: Ledger, api: Api, users: string[]): Promise<{ project: Used; users: Record<string, Used> }> {
  const [userLimit, projectLimit] = limitsOf(ledger.options.limits, api);
  const all: Used[] = [];
  const asked = [null, ...users];
  for (let i = 0; i < asked.length; i += USAGE_CHUNK) {
    const keys = asked.slice(i, i + USAGE_CHUNK).flatMap((user) => keysOf(ledger, { api, user }));
    const reply = await run(ledger, USAGE, keys, []);
    for (let r = 2; r + 1 < reply.length; r += 2) {
      all.push({ used: Number(reply[r]), limit: all.length === 0 ? projectLimit : userLimit, closedForMs: Number(reply[r + 1]) });
    }
  }
  const [project = { used: 0, limit: projectLimit, closedForMs: 0 }, ...perUser] = all;
  return { project, users: Object.fromEntries(users.flatMap((user, i) => (perUser[i] ? [[user, perUser[i]]] : []))) };
}

function today(ledger: Ledger): { day: string; endsInMs: number } {
  const nowMs = ledger.rt.clock.nowMs();
  if (nowMs >= ledger.today.goodUntilMs) {
    const { day, endsInMs } = pacificDay(nowMs);
    ledger.today = { day, endsAtMs: nowMs + endsInMs, goodUntilMs: nowMs + Math.min(endsInMs, HOUR_MS) };
  }
  return { day: ledger.today.day, endsInMs: ledger.today.endsAtMs - nowMs };
}

function limitsOf(limits: Limits, api: Api): [user: number, project: number, day: number] {
  if (api === 'calendar') return [limits.calendarRequestsPerUserMinute, limits.calendarRequestsPerProjectMinute, 0];
  return [limits.gmailUnitsPerUserMinute, limits.gmailUnitsPerProjectMinute, limits.gmailUnitsPerProjectDay];
}

/** All keys share one hash tag, so that one script may touch them on any Redis. */
function keyOf(ledger: Ledger, name: string): string {
  return `{${ledger.options.prefix}:quota}:${name}`;
}

function keyOfDay(ledger: Ledger, api: Api, day: string): string {
  return keyOf(ledger, `${api}:day:${day}`);
}

function keysOf(ledger: Ledger, { api, user }: Bucket): [log: string, state: string] {
  const base = keyOf(ledger, user === null ? `${api}:project` : `${api}:user:${user}`);
  return [`${base}:log`, `${base}:state`];
}

async function run(ledger: Ledger, script: Script, keys: string[], args: (string | number)[]): Promise<unknown[]> {
  const { redis, rt, name, options } = ledger;
  refuseUnlessReady(redis);
  ledger.run ??= /^run_id:(\w+)/m.exec(await redis.info('server'))?.[1] ?? '';
  const common = ['birth', 'witnesses', 'missing'].map((key) => keyOf(ledger, key));
  const reply = await runScript(redis, script, [...common, ...keys], [options.nowMs?.() ?? '', ledger.run, ledger.epoch, rt.random.uuid(), name, ...args]);
  if (!Array.isArray(reply)) throw new TypeError('a quota script answers with a list');
  return reply;
}
