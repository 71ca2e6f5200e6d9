/**
 * What the operating system and the resolver say of a server that cannot be reached at the moment,
 * or that ended the connection. Others (EACCES, EPROTO) are mistakes that time does not mend.
 */
const CODES =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(HOST|NET)(UNREACH|DOWN)|ENETRESET|ENOTFOUND|EAI_AGAIN|EADDRNOTAVAIL)$/;

/** Whether an error's code says that a server is away and may be back in a moment. */
export function isNetworkFailure(code: string): boolean {
  return CODES.test(code);
}
