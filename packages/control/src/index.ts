export { openControl, type Control, type ControlDeps } from './control.js';
export type { Accounts } from './accounts/index.js';
export {
  accountDocument,
  activeCollections,
  type AccountDocument,
  type CollectionDocument,
} from './accounts/document.js';
export type { AccountRef, AccountRefusal, Found } from './accounts/find.js';
export { auditWords } from './status/audit-words.js';
export { etaOf } from './status/eta.js';
export { explain, explanationWords, type Explanation, type Problem } from './status/explain.js';
export { watchWords } from './status/watch-words.js';
export { statusDocument, type AccountStatus, type StatusDocument } from './status/why.js';
