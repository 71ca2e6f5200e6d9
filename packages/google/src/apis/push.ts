/* What receives the notifications of Google's APIs, beside the signatures that prove who sent them. */

export { type Pulled, type Subscription, openSubscription } from './gmail/subscription.js';
