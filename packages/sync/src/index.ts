export type { MirrorPolicy } from './gmail/bodies.js';
export { etaSeconds, type SyncPolicy } from './policy.js';
export type { Outcome } from './outcome.js';
export { syncCollection, type Run, type SyncDeps } from './sync-collection.js';
export { verifyAccount, type VerifyReport } from './verify.js';
