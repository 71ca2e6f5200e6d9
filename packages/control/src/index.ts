export { openControl, type Control } from './control.js';
export { accountDocument, activeCollections } from './accounts/document.js';
export type { AccountRefusal, Found } from './accounts/find.js';
export { auditWords } from './status/audit-words.js';
export { etaOf } from './status/eta.js';
export { explanationWords } from './status/explain.js';
export { watchWords } from './status/watch-words.js';
export { statusDocument, type AccountStatus } from './status/why.js';
