/** End users connect their Google accounts by a page (`@syncline/control/connect`). */
export { runConnectExpiry } from './expiry.js';
export {
  begin,
  cookieFor,
  mayTryAgain,
  noteRefusedCallback,
  refuseForeignForm,
  takeCallback,
  viewOf,
  type Access,
  type Asked,
  type CookieOf,
  type FlowDeps,
  type Returned,
  type View,
} from './flow.js';
export { returnAddress } from './return-to.js';
export { connectSessionDocument, createConnectSession, type ConnectSettings } from './sessions.js';
