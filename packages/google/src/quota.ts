/**
 * The governor: every call to Google is charged here first, including retries and each part of a
 * batch. The decision is one script on Redis (`lua/common` describes the rules and what happens
 * when Redis loses its data). While Redis is unreachable a process spends no more than its own
 * units in the windows (`quota-away.ts`), because a single uncounted call may make Google refuse
 * the whole project.
 */
import {
  type LoopReport,
  type RedisConnection,
  type Runtime,
  openLoopReport,
  serverRunOf,
} from '@syncline/runtime';
import { API_NAMES, APIS, byApi, type Api } from './apis/facts.js';
import { dayBound, dayWaitMs } from './day-budget.js';
import { isLedgerDue, reportLedgerUsage } from './day-ledger.js';
import { chargeOffline, isOutageLong, moveOffline } from './quota-away.js';
import { type Bucket, openSpendMemory } from './quota-memory.js';
import {
  type Ledger,
  type QuotaOptions,
  keyOf,
  keyOfDay,
  keyOfFlights,
  keysOf,
  limitsOf,
  quotaKey,
  redisNowMs,
  run,
  today,
} from './quota-process.js';
import { SCRIPTS, STALE_BEAT_MS } from './quota-scripts.js';
import { type QuotaUsage, usageIn } from './quota-usage.js';
import { isTransientRedisError, refuseUnlessReady } from './redis.js';

export type Lane = 'live' | 'onboarding' | 'bulk';
const LANES: Record<Lane, number> = { live: 1, onboarding: 2, bulk: 3 };

const HEARTBEAT_MS = 1_000;
/** Delay of a retry after Redis did not answer or had another epoch. */
const RETRY_MS = 1_000;
const REPORT_CHUNK = 200;

export interface Charge {
  user: string;
  api: Api;
  costPerItem: number;
  /** Number of requested calls; as many whole calls as fit are granted. */
  items: number;
  lane: Lane;
  /** Whether several accounts are this user; its calls in flight are then counted together. */
  shared?: boolean;
}

/** Identifies a granted charge. */
export interface Receipt {
  user: string;
  api: Api;
  slot: number;
  units: number;
  /** The name under which the call is recorded as in flight; null when it is not recorded. */
  flight: string | null;
}

/**
 * `closed`: the quota is not spent; after a refusal by Google all calls of the user wait briefly.
 */
const SCOPES = ['user', 'closed', 'project', 'day'] as const;
type Scope = (typeof SCOPES)[number];

/** `redisTrouble`: the error when Redis did not answer, so that nothing was charged. */
type Charged =
  | { granted: number; receipt: Receipt }
  | { granted: 0; waitMs: number; scope: Scope; redisTrouble: Error | null };

export interface Quota {
  charge(charge: Charge): Promise<Charged>;
  /** Counts a slow call from now on: it may have reached Google as late as its answer arrived. */
  move(receipt: Receipt): Promise<void>;
  /** Records that the call was answered or never will be. Only for a receipt with a `flight`. */
  finishCall(receipt: Receipt): Promise<void>;
  /**
   * Merges two users: the usage of `from` counts as `to`'s from now on. `retired`: charges to
   * `from` are refused. `shared`: several accounts use `to`. A process whose Redis loses its data
   * within a minute after this reports its earlier usage as `from`, to a window that is no longer
   * used.
   */
  join(from: string, to: string, o: { retired: boolean; shared: boolean }): Promise<void>;
  /**
   * Closes the window of a user, or of the project (null). `slower`: our limit was too high, and
   * less of it is used afterwards.
   */
  close(api: Api, user: string | null, forMs: number, slower?: boolean): Promise<void>;
  /** @throws Error of the Redis client when Redis is away. */
  usage(users: string[]): Promise<QuotaUsage>;
  /** Compares and reports a day's usage in the ledger, which Redis may lack (`day-ledger.ts`). */
  isLedgerDue(): Promise<boolean>;
  reportLedgerUsage(day: string, units: number): Promise<void>;
  /** Checks at once whether Redis still has our data; the heartbeat does so every second. */
  beat(): Promise<void>;
  /** Ends the heartbeat and removes this process; the others then use its units. */
  stop(): Promise<void>;
}

/** Starts the heartbeat; `stop` ends it. Does not wait for Redis. */
export function openQuota(rt: Runtime, redis: RedisConnection, options: QuotaOptions): Quota {
  const server = serverRunOf(redis, quotaKey(options, 'birth'));
  const ledger: Ledger = {
    rt,
    redis,
    options,
    name: rt.random.uuid(),
    memory: openSpendMemory(),
    epoch: '',
    serverRun: server.run,
    reporting: null,
    beating: null,
    today: { day: '', endsAtMs: 0, goodUntilMs: 0 },
    beat: null,
    skewMs: 0,
    kept: null,
    unreported: false,
    dayClosedUntilMs: 0,
    flights: 0,
  };
  const heartbeat = heartbeatReport(rt);
  const timer = setInterval(
    () => void beat(ledger).then(heartbeat.succeeded, heartbeat.failed),
    HEARTBEAT_MS,
  ).unref();
  return {
    charge: (asked) => charge(ledger, asked),
    move: (receipt) => move(ledger, receipt),
    finishCall: (receipt) => finishCall(ledger, receipt),
    join: (from, to, o) => join(ledger, from, to, o),
    close: (api, user, forMs, slower = true) => close(ledger, { api, user }, forMs, slower),
    usage: (users) => usageIn(ledger, users),
    isLedgerDue: () => isLedgerDue(ledger),
    reportLedgerUsage: (day, units) => reportLedgerUsage(ledger, day, units),
    beat: () => beat(ledger),
    stop: async () => {
      clearInterval(timer);
      await removeMember(ledger);
      server.stop();
    },
  };
}

/** The pause stays constant: usage must be reported within the hold after a loss of data. */
function heartbeatReport(rt: Runtime): LoopReport {
  return openLoopReport(rt, {
    name: 'quota-heartbeat',
    backoff: { firstMs: HEARTBEAT_MS, capMs: HEARTBEAT_MS },
    failed: {
      event: 'quota_heartbeat_failed',
      text: "the quota's heartbeat failed; usage that Redis loses now may not be reported again",
      level: 'error',
    },
    // The connection's own handler logs that Redis is away.
    isLoggedElsewhere: isTransientRedisError,
  });
}

async function charge(ledger: Ledger, asked: Charge): Promise<Charged> {
  try {
    await reconcileWithRedis(ledger);
    const charged = await tryCharge(ledger, asked);
    if (charged) return charged;
    await report(ledger);
    return (await tryCharge(ledger, asked)) ?? denyCharge(RETRY_MS, 'project');
  } catch (error) {
    if (!isTransientRedisError(error)) throw error;
    return (
      chargeOffline(ledger, asked) ?? { ...denyCharge(RETRY_MS, 'project'), redisTrouble: error }
    );
  }
}

/**
 * Before a charge: reports unreported usage, and sends a heartbeat when the last one is too old.
 */
async function reconcileWithRedis(ledger: Ledger): Promise<void> {
  if (ledger.unreported || ledger.reporting) await report(ledger);
  if (ledger.beat === null || redisNowMs(ledger) - ledger.beat.atMs > STALE_BEAT_MS)
    await beat(ledger);
}

function denyCharge(
  waitMs: number,
  scope: Scope,
): { granted: 0; waitMs: number; scope: Scope; redisTrouble: null } {
  return { granted: 0, waitMs, scope, redisTrouble: null };
}

/** Returns null when Redis has an epoch in which our usage is not recorded. */
async function tryCharge(
  ledger: Ledger,
  { user, api, costPerItem, items, lane, shared = false }: Charge,
): Promise<Charged | null> {
  const { day, endsInMs } = today(ledger);
  const dayKey = keyOfDay(ledger, api, day);
  const [userLimit, projectLimit, dayLimit] = limitsOf(ledger.options.limits, api);
  const flight = `${ledger.name}:${(ledger.flights += 1)}`;
  const keys = [
    ...keysOf(ledger, { api, user }),
    ...keysOf(ledger, { api, user: null }),
    dayKey,
    keyOfFlights(ledger, user),
  ];
  const reply = await run(ledger, SCRIPTS.charge, keys, [
    costPerItem,
    items,
    userLimit,
    projectLimit,
    LANES[lane],
    dayBound(lane, dayLimit, endsInMs),
    flight,
    shared ? APIS[api].sharedCalls : 0,
  ]);
  if (!accepted(ledger, reply)) return null;
  const granted = Number(reply[0]);
  if (granted === 0) {
    if (reply[3] === 'day') return denyUntilNextDay(ledger, endsInMs);
    return denyCharge(
      Math.max(1, Number(reply[2])),
      SCOPES.find((one) => one === reply[3]) ?? 'project',
    );
  }
  const spent = { user, api, slot: Number(reply[4]), units: granted * costPerItem };
  ledger.memory.spent({ ...spent, atMs: Number(reply[5]) }, dayKey);
  return { granted, receipt: { ...spent, flight: Number(reply[6]) === 1 ? flight : null } };
}

function denyUntilNextDay(ledger: Ledger, endsInMs: number): ReturnType<typeof denyCharge> {
  const waitMs = dayWaitMs(endsInMs, ledger.rt.random.next());
  ledger.dayClosedUntilMs = ledger.rt.clock.nowMs() + waitMs;
  return denyCharge(waitMs, 'day');
}

async function move(ledger: Ledger, receipt: Receipt): Promise<void> {
  const { user, api, slot, units } = receipt;
  const keys = [...keysOf(ledger, { api, user }), ...keysOf(ledger, { api, user: null })];
  try {
    const reply = await run(ledger, SCRIPTS.move, keys, [slot, units]);
    // After a loss of data nothing is moved; the next report has the charge in its old slot.
    if (accepted(ledger, reply))
      ledger.memory.moved(
        { api, user, units, slot: Number(reply[2]), atMs: Number(reply[3]) },
        slot,
      );
  } catch (error) {
    if (!isTransientRedisError(error)) throw error;
    // Failing here would discard an answer that was paid for and repeat the call.
    moveOffline(ledger, receipt);
  }
}

/**
 * Ends the record of a call in flight. A failure is ignored: failing the call would repeat it, and
 * the record in Redis expires by itself.
 */
async function finishCall(ledger: Ledger, { user, flight }: Receipt): Promise<void> {
  if (flight === null) return;
  try {
    refuseUnlessReady(ledger.redis);
    await ledger.redis.hdel(keyOfFlights(ledger, user), flight);
  } catch (error) {
    if (!isTransientRedisError(error)) throw error;
  }
}

async function join(
  ledger: Ledger,
  from: string,
  to: string,
  { retired, shared }: { retired: boolean; shared: boolean },
): Promise<void> {
  ledger.memory.joined(from, to);
  try {
    for (const api of API_NAMES) {
      const keys = [...keysOf(ledger, { api, user: from }), ...keysOf(ledger, { api, user: to })];
      const args = [retired ? 1 : 0, shared ? APIS[api].sharedCalls : 0];
      if (accepted(ledger, await run(ledger, SCRIPTS.join, keys, args))) continue;
      await report(ledger);
      accepted(ledger, await run(ledger, SCRIPTS.join, keys, args));
    }
  } catch (error) {
    if (!isTransientRedisError(error)) throw error;
    // The next run joins the windows. Until then this process spends only the units it keeps.
  }
}

async function close(
  ledger: Ledger,
  bucket: Bucket,
  forMs: number,
  slower: boolean,
): Promise<void> {
  try {
    const reply = await run(ledger, SCRIPTS.close, keysOf(ledger, bucket), [forMs, slower ? 1 : 0]);
    accepted(ledger, reply);
    ledger.memory.closed(bucket, Number(reply[2]));
  } catch (error) {
    if (!isTransientRedisError(error)) throw error;
    // The caller throws Google's error, which matters more. The closure is reported later.
    ledger.memory.closed(bucket, redisNowMs(ledger) + forMs);
    ledger.unreported = true;
  }
}

/** One at a time, because after a pause every concurrent charge finds the last one too old. */
function beat(ledger: Ledger): Promise<void> {
  ledger.beating ??= sendHeartbeat(ledger).finally(() => {
    ledger.beating = null;
  });
  return ledger.beating;
}

async function sendHeartbeat(ledger: Ledger): Promise<void> {
  const { memory } = ledger;
  if (ledger.unreported || ledger.reporting) await report(ledger);
  const nowMs = redisNowMs(ledger);
  const reported = API_NAMES.map((api) => memory.projectSum(api, nowMs));
  const states = API_NAMES.map((api) => keysOf(ledger, { api, user: null })[1]);
  const keys = [keyOf(ledger, 'members'), ...states];
  const reply = await run(ledger, SCRIPTS.heartbeat, keys, reported);
  if (!accepted(ledger, reply)) return report(ledger);
  const atMs = Number(reply[2]);
  const seen: [string, number][] = [];
  for (let i = 3; i + 1 < reply.length; i += 2) seen.push([String(reply[i]), Number(reply[i + 1])]);
  memory.witnesses(seen, atMs);
  ledger.skewMs = atMs - ledger.rt.clock.nowMs();
  ledger.beat = { atMs, reported: byApi((_api, at) => reported[at] ?? 0) };
  ledger.kept = null;
}

/** A failure only makes the others leave this process's units free for a minute. */
async function removeMember(ledger: Ledger): Promise<void> {
  try {
    await run(ledger, SCRIPTS.leave, [keyOf(ledger, 'members')], []);
  } catch (error) {
    if (!isTransientRedisError(error)) throw error;
  }
}

/** Whether Redis's epoch has our usage. A process without an epoch has no usage and adopts it. */
function accepted(ledger: Ledger, reply: unknown[]): boolean {
  if (Number(reply[0]) === -1) return false;
  if (ledger.epoch === '') ledger.epoch = String(reply[1]);
  return true;
}

/** Reports this process's usage to a Redis that lost its data; one report at a time. */
function report(ledger: Ledger): Promise<void> {
  ledger.reporting ??= reportUsage(ledger)
    .catch((error: unknown) => {
      ledger.unreported = true;
      throw error;
    })
    .finally(() => {
      ledger.reporting = null;
    });
  return ledger.reporting;
}

async function reportUsage(ledger: Ledger): Promise<void> {
  const { memory, rt } = ledger;
  const wasOutageLong = isOutageLong(ledger);
  ledger.unreported = false;
  const reported = memory.reportableUsage();
  const epochs = new Set<string>();
  for (let i = 0; i < reported.length; i += REPORT_CHUNK) {
    const chunk = reported.slice(i, i + REPORT_CHUNK);
    const keys = chunk.flatMap((bucket) => keysOf(ledger, bucket));
    const reply = await run(ledger, SCRIPTS.report, keys, [
      JSON.stringify(chunk.map(({ entries, closedUntil }) => ({ entries, closedUntil }))),
    ]);
    epochs.add(String(reply[1]));
  }
  const days = memory.days();
  const closing = [
    JSON.stringify(days.map(([, units]) => units)),
    JSON.stringify(memory.knownWitnesses()),
    wasOutageLong ? 1 : 0,
  ];
  const reply = await run(
    ledger,
    SCRIPTS.endReport,
    days.map(([key]) => key),
    closing,
  );
  epochs.add(String(reply[1]));
  // Two epochs: Redis lost data during the report. The next heartbeat reports everything again.
  if (epochs.size === 1) ledger.epoch = String(reply[1]);
  rt.log.warn(
    { event: 'quota_reported_again', buckets: reported.length },
    'Redis had lost the quota usage, or was away; this process has reported its usage',
  );
}
