/** The state of accounts and collections, and the reasons for it (`@syncline/control/status`). */
export { auditWords } from './audit-words.js';
export { etaOf } from './eta.js';
export { explanationWords } from './explain.js';
export { watchWords } from './watch-words.js';
export { accountStatus, explainAccount, statusDocument, type AccountStatus } from './why.js';
