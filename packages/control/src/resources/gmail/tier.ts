import type { Config } from '@syncline/runtime';

type Quotas = Config['quotas'];

export type Tier = Quotas['gmailTier'];

/** Google's limits per user and minute, by tier; they cannot be raised. */
const USER_MINUTE: Record<Tier, number> = { new: 6_000, legacy: 15_000 };

/** Returns the quotas with the prices and the user limit of a tier. */
export function quotasOfTier(quotas: Quotas, tier: Tier): Quotas {
  return { ...quotas, gmailTier: tier, gmailUnitsPerUserMinute: USER_MINUTE[tier] };
}
