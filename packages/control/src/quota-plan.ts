/** What a fleet would cost of Google's quota (`@syncline/control/quota-plan`). */
import type { Config } from '@syncline/runtime';
import { type FleetPlan, type FleetShape, planFleet } from '@syncline/sync';
import { quotasOfTier, type Tier } from './resources/index.js';

/** A fleet; `bodies` is the configuration's unless it is given. */
export interface PlannedFleet extends Omit<FleetShape, 'bodies'> {
  bodies?: FleetShape['bodies'] | undefined;
}

export interface QuotaPlan {
  fleet: FleetShape;
  quotas: Config['quotas'];
  plan: FleetPlan;
}

/**
 * Pure: arithmetic with the configured limits and intervals; nobody is asked.
 * @param tier price list and user limit of the tier, instead of the configured ones
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
