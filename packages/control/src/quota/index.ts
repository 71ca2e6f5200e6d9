/** What was spent of Google's quota, and what is left of it (`@syncline/control/quota`). */
export {
  quotaDocument,
  quotaUserOf,
  type AccountSpending,
  type FullSync,
  type QuotaReport,
  type Usage,
} from './report.js';
export { readQuota, type QuotaAnswer } from './usage.js';
