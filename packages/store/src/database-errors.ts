/** Why a database cannot be used, in a sentence for an operator. */
import { OperatorError, parseDatabaseUrl } from '@syncline/runtime';

/** What cannot be reached is named without the password. */
export function databaseUnreachable(databaseUrl: string, error: unknown): OperatorError {
  const { host, port } = parseDatabaseUrl(databaseUrl);
  return new OperatorError(
    `Postgres at ${host}:${port} cannot be used: ${whyIn(databaseUrl, error)}.\nCheck DATABASE_URL and that the server is running.`,
  );
}

/** The connection failed or ended, rather than a statement. */
export function isConnectionFailure(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (
    /^(08...|57P0[123]|53300|28...|3D000|E[A-Z]+|ERR_TLS.*|.*CERT.*)$/.test(String(code)) ||
    /^(Connection terminated|Client has encountered a connection error|timeout expired|The server does not support SSL)/.test(
      String(message),
    )
  );
}

const MESSAGE_LIMIT = 300;

/** What OpenSSL says of a certificate that no authority of ours has issued. */
const UNKNOWN_AUTHORITY =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?)$/;

function whyIn(databaseUrl: string, error: unknown): string {
  const { host, user, database, tls } = parseDatabaseUrl(databaseUrl);
  const { code: errorCode, message: words = '' } = error as { code?: string; message?: string };
  // Before a session has begun the server quotes names of roles, databases and hosts alone.
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
  if (code.startsWith('The server does not support SSL'))
    return `it does not speak TLS, which sslmode=${tls.mode} asks for`;
  if (UNKNOWN_AUTHORITY.test(code))
    return `its certificate is not issued by ${tls.rootCert === null || tls.rootCert === 'system' ? 'an authority that this program trusts: name the right one by sslrootcert=FILE' : 'the authority in sslrootcert='} (${code})`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `its certificate is for another name than ${host}, and sslmode=verify-full compares them`;
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired';
  return code;
}
