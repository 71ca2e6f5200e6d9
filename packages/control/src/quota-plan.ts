/** Plans a fleet's use of Google's quota (`@syncline/control/quota-plan`). */
import type { Config } from '@syncline/runtime';
import { type FleetPlan, type FleetShape, planFleet } from '@syncline/sync';
import { quotasOfTier, type Tier } from './resources/index.js';

/** A fleet; `bodies` defaults to the configuration's. */
export interface PlannedFleet extends Omit<FleetShape, 'bodies'> {
  bodies?: FleetShape['bodies'] | undefined;
}

export interface QuotaPlan {
  fleet: FleetShape;
  quotas: Config['quotas'];
  plan: FleetPlan;
}

/**
 * Computes a plan from the configured limits and intervals; sends no requests. Pure.
 * @param tier the tier whose prices and user limit replace the configured ones
 */
export function planQuota(
  config: Pick<Config, 'quotas' | 'poll' | 'auditEveryMs' | 'mirror'>,
  planned: PlannedFleet,
  tier?: Tier,
): QuotaPlan {
  const fleet = { ...planned, bodies: planned.bodies ?? config.mirror.bodies };
  const quotas = tier === undefined ? config.quotas : quotasOfTier(config.quotas, tier);
  const policy = { ...config.poll, auditEveryMs: config.auditEveryMs };
  return { fleet, quotas, plan: planFleet(fleet, quotas, policy) };
}
