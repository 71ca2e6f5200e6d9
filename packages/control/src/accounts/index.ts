/** Which accounts there are, and how they are stopped and started (`@syncline/control/accounts`). */
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
