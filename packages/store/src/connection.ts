/*
 * How a session connects to Postgres. The driver receives separate parameters, never the URL,
 * because its interpretation of `sslmode` differs from libpq's.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { OperatorError, parseDatabaseUrl, unreachable, type DatabaseUrl } from '@syncline/runtime';
import type pg from 'pg';
import { databaseUnreachable, TLS_QUESTION } from './database-errors.js';

/**
 * Returns the driver's configuration for a database URL. `sslmode=prefer` counts as `disable` here:
 * `resolveTls` replaces it by the mode that the server supports.
 * @throws OperatorError when the URL has a mistake, or one of its files cannot be read
 */
export function connectionOf(databaseUrl: string): pg.ClientConfig {
  const url = parseDatabaseUrl(databaseUrl);
  return {
    host: url.host,
    port: url.port,
    user: url.user ?? undefined,
    password: url.password ?? undefined,
    database: url.database,
    application_name: url.applicationName ?? undefined,
    connectionTimeoutMillis: url.connectTimeoutMs,
    ssl: tlsOf(url),
  };
}

/**
 * Asks the server whether it supports TLS when the URL leaves the decision to the server
 * (`sslmode=prefer`, libpq's default). As in libpq, only an answer of the server decides: an
 * attacker who closes the connection must not be able to turn TLS off.
 * @returns the URL with `sslmode=require` or `sslmode=disable`; the same URL when its mode is
 * explicit
 * @throws ServerUnavailable when the server is unreachable or does not answer
 * @throws OperatorError when the server is not Postgres
 */
export async function resolveTls(databaseUrl: string): Promise<string> {
  const { host, port, connectTimeoutMs, tls } = parseDatabaseUrl(databaseUrl);
  if (tls.mode !== 'prefer') return databaseUrl;
  const speaksTls = await offersTls(host, port, connectTimeoutMs).catch((error: unknown) => {
    throw databaseUnreachable(databaseUrl, error);
  });
  const url = new URL(databaseUrl);
  url.searchParams.set('sslmode', speaksTls ? 'require' : 'disable');
  return url.href;
}

/**
 * Length and code of an SSLRequest
 * (https://www.postgresql.org/docs/current/protocol-message-formats.html).
 */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

function offersTls(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('timeout expired')));
    socket.once('connect', () => socket.write(SSL_REQUEST));
    socket.once('data', (answer) => {
      const isTls = meaningOf(answer.toString('latin1', 0, 1));
      if (typeof isTls === 'boolean') resolve(isTls);
      else reject(isTls);
      socket.destroy();
    });
    socket.once('error', reject);
    // Has no effect after an answer or an error.
    socket.once('close', () => reject(new Error(TLS_QUESTION.cut)));
  });
}

/**
 * Interprets the first byte of the answer. With E the server reports an error; its text is not
 * trustworthy.
 */
function meaningOf(answer: string): boolean | Error {
  switch (answer) {
    case 'S':
      return true;
    case 'N':
      return false;
    case 'E':
      return new Error(TLS_QUESTION.failed);
    default:
      return new Error('it does not speak the protocol of Postgres');
  }
}

function tlsOf({ host, tls }: DatabaseUrl): pg.ClientConfig['ssl'] {
  const identity =
    tls.cert === null || tls.key === null
      ? {}
      : { cert: contentsOf(tls.cert, 'sslcert'), key: contentsOf(tls.key, 'sslkey') };
  const ca =
    tls.rootCert === null || tls.rootCert === 'system'
      ? undefined
      : contentsOf(tls.rootCert, 'sslrootcert');
  const checkChain = { ...identity, ca, rejectUnauthorized: true };
  switch (tls.mode) {
    case 'disable':
    case 'prefer':
      return false;
    case 'require':
      // With a certificate authority `sslmode=require` means verify-ca, as in libpq. Without one it
      // protects only against eavesdropping.
      return ca === undefined
        ? { ...identity, rejectUnauthorized: false }
        : { ...checkChain, checkServerIdentity: () => undefined };
    case 'verify-ca':
      return { ...checkChain, checkServerIdentity: () => undefined };
    case 'verify-full':
      // The driver sets no server name for an address, and Node would then compare the certificate
      // with localhost.
      return {
        ...checkChain,
        checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
      };
    default:
      return unreachable(tls.mode);
  }
}

function contentsOf(file: string, parameter: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new OperatorError(
      `The file in ${parameter}= of DATABASE_URL cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}): correct its path or its permissions.`,
    );
  }
}
