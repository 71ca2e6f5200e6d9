/** End users connect their Google accounts by a page (`@syncline/control/connect`). */
export { runConnectExpiry, expireConnectSessions } from './expiry.js';
export {
  begin,
  mayTryAgain,
  takeCallback,
  viewOf,
  type Access,
  type Asked,
  type Begun,
  type CallbackRefusal,
  type CookieOf,
  type FlowDeps,
  type Returned,
  type View,
} from './flow.js';
export { returnAddress } from './return-to.js';
export {
  connectSessionDocument,
  createConnectSession,
  type ConnectSettings,
  type CreatedSession,
} from './sessions.js';
