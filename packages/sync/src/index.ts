export { fillAddresses } from './resources/index.js';
export type { MirrorPolicy } from './mirror-policy.js';
export { type FleetPlan, type FleetShape, planFleet } from './fleet-plan.js';
export type { SyncPolicy } from './policy.js';
export { OUTCOME_WORDS, type Outcome, type OutcomeKind } from './outcome.js';
export type { RunTotals } from './run-observer.js';
export { probeAccounts, tryProjects } from './probes.js';
export { finishResourceRemovals, removeResource } from './remove-resource.js';
export {
  finishRemovals,
  removeAccount,
  type RemovalStep,
  type Revocation,
} from './remove-account.js';
export { maintainWatch } from './watch/maintain.js';
export type { WatchOutcome } from './watch/work.js';
export { verifiedAccount } from './identity/require-verified.js';
export { checkConnection } from './identity/check-connection.js';
export { masked } from './identity/words.js';
export { checkImport, type ImportCheck } from './identity/check-import.js';
export { QUEUED_SNOOZE_LIMIT_MS } from './finish-run.js';
export { syncCollection, type SyncDeps } from './sync-collection.js';
export { repairDrift } from './repair.js';
export { ComparedElsewhere, verifyAccount, type VerifyReport } from './verify.js';
