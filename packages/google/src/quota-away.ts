/**
 * What a process may still spend while Redis is away.
 *
 * Each keeps what it had: the units of its own that stood in a window when Redis was lost. All of them together fitted under Google's limit then, so as
 * long as nobody's own sum grows beyond what it was, they fit for ever, and nobody has to know how many others there are. A share of "limit by number
 * of processes" was rejected: who knows another number than the rest breaks the limit, and an idle process would hold what a busy one needs.
 *
 * It begins only when others, who may still reach Redis, have noticed that this process is lost and leave its sum free (HEARTBEAT). Until Redis is back,
 * a process that never met it, or had spent nothing, spends nothing.
 */
import type { Bucket } from './quota-memory.js';
import { type Ledger, keyOfDay, redisNowMs, today } from './quota-process.js';
import { LOST_MS, SLOT_MS, STALE_BEAT_MS } from './quota-scripts.js';
import type { Charge, Receipt } from './quota.js';

/** From the last heartbeat on, until whoever charges must have seen that we are lost. */
export const QUIET_MS = LOST_MS + STALE_BEAT_MS + 100;

/** Whether Redis has been away for so long that processes may have begun to spend what they keep. */
export function isLong(ledger: Ledger): boolean {
  return ledger.beat !== null && redisNowMs(ledger) - ledger.beat.atMs > QUIET_MS;
}

/** Charges what this process keeps; null when it does not suffice. What was granted is told to Redis before the next charge there. */
export function chargeKept(
  ledger: Ledger,
  { user, api, costPerItem, items, lane }: Charge,
): { granted: number; receipt: Receipt } | null {
  const { memory, beat } = ledger;
  const nowMs = redisNowMs(ledger);
  // While a report is on its way, what is spent now would be in neither this one nor the next.
  if (
    beat === null ||
    ledger.reporting ||
    !isLong(ledger) ||
    (lane !== 'live' && ledger.rt.clock.nowMs() < ledger.dayShutUntilMs)
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

/** Counts a slow call from its answer on although Redis cannot be told now. */
export function moveKept(ledger: Ledger, { user, api, slot, units }: Receipt): void {
  const nowMs = redisNowMs(ledger);
  ledger.memory.moved(
    { user, api, units, slot: Math.floor(nowMs / SLOT_MS) * SLOT_MS, atMs: nowMs },
    slot,
  );
  ledger.unreported = true;
}
