/**
 * The units that a process may still spend while Redis is away.
 *
 * Each process keeps its own units that were in a window when Redis was lost. Together these were
 * within Google's limit then, so they stay within it as long as no process exceeds its own sum, and
 * no process needs to know how many others there are. A share of "limit divided by the number of
 * processes" was rejected: a process that counts the others differently breaks the limit, and an
 * idle process would hold units that a busy one needs.
 *
 * Spending begins only when the processes that may still reach Redis have noticed that this process
 * is lost and leave its units free (lua/quota/heartbeat.lua). A process that never reached Redis,
 * or had spent nothing, spends nothing until Redis is back.
 */
import type { Bucket } from './quota-memory.js';
import { type Ledger, keyOfDay, redisNowMs, today } from './quota-process.js';
import { LOST_MS, SLOT_MS, STALE_BEAT_MS } from './quota-scripts.js';
import type { Charge, Receipt } from './quota.js';

/**
 * The time after the last heartbeat after which every process that can charge has noticed that this
 * process is lost.
 */
export const QUIET_MS = LOST_MS + STALE_BEAT_MS + 100;

/**
 * Whether Redis has been away for so long that processes may have begun to spend their kept units.
 */
export function isOutageLong(ledger: Ledger): boolean {
  return ledger.beat !== null && redisNowMs(ledger) - ledger.beat.atMs > QUIET_MS;
}

/**
 * Charges the units that this process keeps; null when they are not enough. The charge is reported
 * to Redis before the next charge there.
 */
export function chargeOffline(
  ledger: Ledger,
  { user, api, costPerItem, items, lane }: Charge,
): { granted: number; receipt: Receipt } | null {
  const { memory, beat } = ledger;
  const nowMs = redisNowMs(ledger);
  // While a report is in flight, a charge would be in neither this report nor the next one.
  if (
    beat === null ||
    ledger.reporting ||
    !isOutageLong(ledger) ||
    (lane !== 'live' && ledger.rt.clock.nowMs() < ledger.dayClosedUntilMs)
  )
    return null;
  const buckets: Bucket[] = [
    { api, user },
    { api, user: null },
  ];
  if (buckets.some((bucket) => memory.closedUntil(bucket) > nowMs)) return null;
  ledger.kept ??= memory.sums(beat.atMs + QUIET_MS);
  const now = memory.sums(nowMs);
  const room = (bucket: Bucket, atMost: number): number =>
    Math.min(ledger.kept?.get(memory.keyOf(bucket)) ?? 0, atMost) -
    (now.get(memory.keyOf(bucket)) ?? 0);
  const granted = Math.min(
    items,
    Math.floor(
      Math.min(room({ api, user }, Infinity), room({ api, user: null }, beat.reported[api])) /
        costPerItem,
    ),
  );
  if (granted < 1) return null;
  const receipt = {
    user,
    api,
    slot: Math.floor(nowMs / SLOT_MS) * SLOT_MS,
    units: granted * costPerItem,
  };
  memory.spent({ ...receipt, atMs: nowMs }, keyOfDay(ledger, api, today(ledger).day));
  ledger.unreported = true;
  return { granted, receipt: { ...receipt, flight: null } };
}

/** Counts a slow call from the time of its answer although Redis is not reachable now. */
export function moveOffline(ledger: Ledger, { user, api, slot, units }: Receipt): void {
  const nowMs = redisNowMs(ledger);
  ledger.memory.moved(
    { user, api, units, slot: Math.floor(nowMs / SLOT_MS) * SLOT_MS, atMs: nowMs },
    slot,
  );
  ledger.unreported = true;
}
