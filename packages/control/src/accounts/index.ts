/** Lists, pauses and resumes accounts (`@syncline/control/accounts`). */
export { accountDocument, activeCollections, type AccountDocument } from './document.js';
export {
  findAccount,
  findAccountByAddressOrId,
  findAccountView,
  findAccounts,
  type AccountRefusal,
  type Found,
} from './find.js';
export { accountPages, eachAccount, type AccountFilter } from './list.js';
export { pauseAccount, resumeAccount, confirmMailbox, type NotResumable } from './pause.js';
