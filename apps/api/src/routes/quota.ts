import { readQuota, readQuotaOfTenant } from '@syncline/control/quota';
import { fleetOf, planDocument, planQuota, type PlanDocument } from '@syncline/control/quota-plan';
import type { Runtime } from '@syncline/runtime';
import { REMOVED, type HandlersOf } from '../v1/handler.js';
import type { HandlerDeps } from './index.js';

/** Most accounts and full syncs of a report. */
const ROWS_LIMIT = 500;

export function quotaHandlers(rt: Runtime, deps: HandlerDeps): HandlersOf<'Quota'> {
  return {
    'quota.get': async ({ caller }) => {
      const { today, usage, fullSyncs, fullSyncsEndInSeconds } =
        caller.tenant === null
          ? (await readQuota(rt, deps)).report
          : await readQuotaOfTenant(rt, deps, caller.tenant);
      return {
        status: 200,
        body: {
          today: { ...today, byAccount: today.byAccount.slice(0, ROWS_LIMIT) },
          usage,
          fullSyncs: fullSyncs.slice(0, ROWS_LIMIT),
          fullSyncsEndInSeconds,
        },
      };
    },
    'quota.plan': async ({ account, body: { account: _named, tier, ...asked } }) => {
      const size = account && (await deps.store.reads.size(account.id));
      if (account !== null && size === null) return REMOVED;
      const fleet = fleetOf({ ...asked, ...size });
      return {
        status: 200,
        body: wholeDocument(planDocument(planQuota(deps.planning, fleet, tier))),
      };
    },
  };
}

/** Its fleet and quotas are open records in the document. */
function wholeDocument({ fleet, quotas, ...plan }: PlanDocument) {
  return { ...plan, fleet: { ...fleet }, quotas: { ...quotas } };
}
