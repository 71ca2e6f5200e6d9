/** The reason why a database cannot be used, as a sentence for an operator. */
import {
  isNetworkFailure,
  OperatorError,
  parseDatabaseUrl,
  ServerUnavailable,
} from '@syncline/runtime';

/**
 * Returns the error for a database that refuses connections or is unavailable; a ServerUnavailable
 * when it may be available again soon. The message names the server without the password.
 */
export function databaseUnreachable(databaseUrl: string, error: unknown): OperatorError {
  const { host, port } = parseDatabaseUrl(databaseUrl);
  const [server, why] = [`Postgres at ${host}:${port}`, whyIn(databaseUrl, error)];
  const message = `${server} cannot be used: ${why}.\nCheck DATABASE_URL and that the server is running.`;
  return connectionFailureOf(error) === 'transient'
    ? new ServerUnavailable(message, server, why)
    : new OperatorError(message);
}

/** Returns the error for connection errors only; null when a statement failed. */
export function connectionProblem(databaseUrl: string, error: unknown): OperatorError | null {
  return isConnectionFailure(error) ? databaseUnreachable(databaseUrl, error) : null;
}

/**
 * Classifies the failure of a connection. `transient`: the server is unavailable, starting,
 * recovering, shutting down or has no session left. `final`: a person has to change the URL, a
 * right or a certificate. Null: a statement failed.
 */
export function connectionFailureOf(error: unknown): 'transient' | 'final' | null {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  const [errorCode, words] = [String(code), String(message)];
  if (errorCode === PROTOCOL_VIOLATION) return ofPooler(words);
  if (TRANSIENT_CODE.test(errorCode) || isNetworkFailure(errorCode)) return 'transient';
  if (FINAL_CODE.test(errorCode)) return 'final';
  if (TRANSIENT_WORDS.test(words) || OF_TLS_QUESTION.has(words)) return 'transient';
  return words.startsWith('The server does not support SSL') ? 'final' : null;
}

/**
 * Classes of https://www.postgresql.org/docs/current/errcodes-appendix.html (08 connection, 57P
 * operator intervention, 53300 too many connections). ENOENT means a Unix socket whose server has
 * not started.
 */
const TRANSIENT_CODE = /^(08\d\d\d|57P0[1235]|53300|ENOENT)$/;
const FINAL_CODE = /^(28...|3D000|E[A-Z]+|ERR_(TLS|SSL).*|.*CERT.*)$/;
/** Errors of the driver and its pool, which have no code. */
const TRANSIENT_WORDS =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|timeout exceeded when trying to connect|There was an error establishing an SSL connection)/;

/** The cases in which a server does not answer the request for TLS (`resolveTls`). */
export const TLS_QUESTION = {
  cut: 'it closed the connection when TLS was requested',
  failed: 'it reported an error when TLS was requested',
} as const;
const OF_TLS_QUESTION: ReadonlySet<string> = new Set(Object.values(TLS_QUESTION));

/** PgBouncer uses this code for all of its own errors, so its message decides. */
const PROTOCOL_VIOLATION = '08P01';
const POOLER_FINAL =
  /authentication|no such (user|database)|does not exist|unsupported startup|SSL required|TLS required|pg_hba|not allowed|disabled|password/i;
const POOLER_TRANSIENT =
  /cannot connect to server|login (has been failing|failed)|(query_wait|login|connect|idle|server)[ _]?\w*timeout|server (closed|conn|lost|disconnect)|shut(ting)? ?down|more connections|max_\w+_conn|connect failed|starting up|recovery|not (yet )?accepting|paused|terminat/i;

function ofPooler(words: string): 'transient' | 'final' {
  return !POOLER_FINAL.test(words) && POOLER_TRANSIENT.test(words) ? 'transient' : 'final';
}

/** Whether the connection failed or ended, as opposed to a statement. */
export function isConnectionFailure(error: unknown): boolean {
  return connectionFailureOf(error) !== null;
}

const MESSAGE_LIMIT = 300;

/** OpenSSL's error codes for a certificate of an unknown authority. */
const UNKNOWN_AUTHORITY =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?)$/;

function whyIn(databaseUrl: string, error: unknown): string {
  const { user, database } = parseDatabaseUrl(databaseUrl);
  const { code: errorCode, message: words = '' } = error as { code?: string; message?: string };
  // Before a session has begun, the server quotes only names of roles, databases and hosts.
  const message = (words.split('\n', 1)[0] ?? '').slice(0, MESSAGE_LIMIT);
  const code = errorCode ?? message;
  const role = user === null ? 'ROLE' : `"${user}"`;
  if (code === '28P01') return 'it refused the user or the password';
  if (code === '28000') return `it refused the user or this way to connect (${message})`;
  if (code === '08P01') return `a pooler before it says: ${message}`;
  if (code === '3D000') return `it has no database "${database}" (npm run migrate creates it)`;
  if (code === '42501')
    return `the role ${role} lacks a right (${message}): GRANT CONNECT, CREATE ON DATABASE "${database}" TO ${role};`;
  if (code === '53300')
    return `it has no session left (${message}): lower DATABASE_POOL_SIZE, put a pooler in front, or raise max_connections`;
  return tlsProblem(databaseUrl, code) ?? code;
}

function tlsProblem(databaseUrl: string, code: string): string | null {
  const { host, tls } = parseDatabaseUrl(databaseUrl);
  if (code.startsWith('The server does not support SSL'))
    return `it does not speak TLS, which sslmode=${tls.mode} asks for`;
  if (UNKNOWN_AUTHORITY.test(code))
    return `its certificate is not issued by ${tls.rootCert === null || tls.rootCert === 'system' ? 'an authority that this program trusts: name the right one by sslrootcert=FILE' : 'the authority in sslrootcert='} (${code})`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `its certificate is for another name than ${host}, and sslmode=verify-full compares them`;
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired';
  if (/^ERR_SSL_\w*_ALERT_/.test(code))
    return `it does not accept this TLS connection (${code}): sslcert and sslkey must name a certificate that it trusts`;
  return null;
}
