/** The used and the remaining part of Google's quota (`@syncline/control/quota`). */
export {
  quotaDocument,
  quotaUserOf,
  type AccountSpending,
  type FullSync,
  type QuotaReport,
  type Usage,
} from './report.js';
export { readQuota, readQuotaOfTenant, type QuotaAnswer } from './usage.js';
