/** Lists, pauses and resumes accounts (`@syncline/control/accounts`). */
export { accountDocument, activeCollections } from './document.js';
export {
  findAccount,
  findAccountView,
  findAccounts,
  type AccountRefusal,
  type Found,
} from './find.js';
export { accountPages, eachAccount } from './list.js';
export { pauseAccount, resumeAccount, vouchForMailbox, type NotResumable } from './pause.js';
