/**
 * Codes of the operating system and the resolver for a server that is currently unreachable or
 * ended the connection. Other codes (EACCES, EPROTO) are mistakes that do not pass by themselves.
 */
const CODES =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(HOST|NET)(UNREACH|DOWN)|ENETRESET|ENOTFOUND|EAI_AGAIN|EADDRNOTAVAIL)$/;

/** Whether an error's code means that a server is unreachable and may be available again soon. */
export function isNetworkFailure(code: string): boolean {
  return CODES.test(code);
}
