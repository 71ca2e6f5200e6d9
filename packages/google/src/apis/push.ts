/* Receiving notifications of Google's APIs, without the verification of their signatures. */

export { type Pulled, type Subscription, openSubscription } from './gmail/subscription.js';
