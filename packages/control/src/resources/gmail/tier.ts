import type { Config } from '@syncline/runtime';

type Quotas = Config['quotas'];

export type Tier = Quotas['gmailTier'];

/** Google's limits of a user's minute, by tier; they cannot be raised. */
const USER_MINUTE: Record<Tier, number> = { new: 6_000, legacy: 15_000 };

/** The quotas with the price list and the user's limit of a tier. */
export function quotasOfTier(quotas: Quotas, tier: Tier): Quotas {
  return { ...quotas, gmailTier: tier, gmailUnitsPerUserMinute: USER_MINUTE[tier] };
}
