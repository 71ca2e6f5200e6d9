/** Plans a fleet's use of Google's quota (`@syncline/control/quota-plan`). */
import type { Config } from '@syncline/runtime';
import { type FleetPlan, type FleetShape, planFleet } from '@syncline/sync';
import { quotasOfTier, resourceShape, type AskedResources, type Tier } from './resources/index.js';

/** A fleet; `bodies` defaults to the configuration's. */
export interface PlannedFleet extends Omit<FleetShape, 'bodies'> {
  bodies?: FleetShape['bodies'] | undefined;
}

export interface QuotaPlan {
  fleet: FleetShape;
  quotas: Config['quotas'];
  plan: FleetPlan;
}

/** The limits and intervals that a plan is computed from. */
export type PlanConfig = Pick<Config, 'quotas' | 'poll' | 'auditEveryMs' | 'mirror'>;

/**
 * Computes a plan from the configured limits and intervals; sends no requests. Pure.
 * @param tier the tier whose prices and user limit replace the configured ones
 */
export function planQuota(config: PlanConfig, planned: PlannedFleet, tier?: Tier): QuotaPlan {
  const fleet = { ...planned, bodies: planned.bodies ?? config.mirror.bodies };
  const quotas = tier === undefined ? config.quotas : quotasOfTier(config.quotas, tier);
  const policy = { ...config.poll, auditEveryMs: config.auditEveryMs };
  return { fleet, quotas, plan: planFleet(fleet, quotas, policy) };
}

/** A plan as the command and the API ask for it. */
export interface AskedPlan extends AskedResources {
  /** Default: 1. */
  accounts?: number | undefined;
  /** Messages of a mailbox; default: 0. */
  messages?: number | undefined;
  /** Messages of a thread; default: 1. */
  threads?: number | undefined;
  projects: number;
  /** New messages of an account a day. */
  daily: number;
  activeHours: number;
  /** Days. */
  within: number;
  watches: boolean;
  bodies?: FleetShape['bodies'] | undefined;
}

/** Pure. */
export function fleetOf(asked: AskedPlan): PlannedFleet {
  const { accounts = 1, messages = 0, threads = 1 } = asked;
  const { projects, daily, activeHours, within } = asked;
  return {
    accounts,
    messagesPerAccount: messages,
    threadLength: threads,
    ...resourceShape(asked),
    projects,
    messagesPerDay: daily,
    activeHoursPerDay: activeHours,
    bodies: asked.bodies,
    watches: asked.watches,
    withinDays: within,
  };
}

/** A plan as `quota plan --json` and the API show it; the field names are public. */
export type PlanDocument = Omit<QuotaPlan, 'plan'> & FleetPlan;

/** Pure. */
export function planDocument({ fleet, quotas, plan }: QuotaPlan): PlanDocument {
  return { fleet, quotas, ...plan };
}
