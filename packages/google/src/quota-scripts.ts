/**
 * The scripts of the quota governor (`lua/quota/`) and the times that they share with TypeScript.
 * `lua/common/begin.lua` documents the arguments and replies that all of them share; each file
 * documents the rest.
 */
import path from 'node:path';
import { loadScript, type RedisScript } from '@syncline/runtime';

export const SLOT_MS = 250;
const MARGIN_MS = 750;
/** How long an entry counts, from the start of its slot. */
export const KEEP_MS = 60_000 + SLOT_MS + MARGIN_MS;
/**
 * A call that took longer is moved to the time of its answer, because the margin does not cover it.
 */
export const ON_THE_WAY_MS = 500;
/** How long all charges wait for reports after Redis lost its data: two heartbeats. */
export const HOLD_MS = 2_000;

/**
 * A process without a heartbeat for longer counts as lost: it may be spending the units that it
 * keeps while Redis is away (`quota-away.ts`).
 */
export const LOST_MS = 3_000;

/**
 * A process whose last heartbeat is older sends one before it charges, so that lost processes are
 * taken into account.
 */
export const STALE_BEAT_MS = 1_400;

const LUA = path.join(__dirname, '..', 'lua');
const CONSTANTS = { SLOT: SLOT_MS, KEEP: KEEP_MS, HOLD: HOLD_MS, LOST: LOST_MS };
const COMMON = ['common/begin', 'common/epoch', 'common/bucket', 'common/day-used'];

export const SCRIPTS = {
  charge: quotaScript('charge'),
  move: quotaScript('move'),
  close: quotaScript('close'),
  join: quotaScript('join'),
  usage: quotaScript('usage'),
  day: quotaScript('day'),
  heartbeat: quotaScript('heartbeat'),
  leave: quotaScript('leave'),
  report: quotaScript('report'),
  endReport: quotaScript('end-report'),
  ledgerDue: quotaScript('ledger-due'),
  ledgerRead: quotaScript('ledger-read'),
};

function quotaScript(name: string): RedisScript {
  return loadScript(LUA, [...COMMON, `quota/${name}`], CONSTANTS);
}
