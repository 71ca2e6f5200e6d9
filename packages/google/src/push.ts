/**
 * Exports for the API process only (`@syncline/google/push`): signatures and their keys, which
 * other processes do not load.
 */
export { type PushRefusal, type PushVerifier, openPushVerifier } from './oidc.js';
export { type Pulled, type Subscription, openSubscription } from './apis/push.js';
