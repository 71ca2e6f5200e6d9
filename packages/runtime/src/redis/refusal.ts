/** The reason why a Redis cannot be used, as a sentence that names the variable to change. */
import { must } from '../assert.js';
import { describeError } from '../describe-error.js';
import { OperatorError, ServerUnavailable } from '../errors.js';
import { isNetworkFailure } from '../network-failure.js';
import { type RedisAddress, parseRedisUrl, redisHosts } from './address.js';
import { RefusedServer } from './announced.js';

/** The server does not answer, or answers that it is temporarily unable to serve. */
export class RedisUnreachable extends ServerUnavailable {
  constructor(hosts: string, why: string, options?: ErrorOptions) {
    super(
      `Redis at ${hosts} cannot be reached (${why}). Check REDIS_URL, and that Redis is running and lets this host in.`,
      `Redis at ${hosts}`,
      why,
      options,
    );
  }
}

/**
 * Returns the sentence for an error of an open connection when Redis is unavailable; null for every
 * other error.
 */
export function redisProblemOf(
  error: unknown,
  { redisUrl }: { redisUrl: string },
): OperatorError | null {
  if (error instanceof RefusedServer) return new OperatorError(error.message, { cause: error });
  if (!(error instanceof Error) || error instanceof OperatorError || !isAway(error)) return null;
  const address = must(parseRedisUrl(redisUrl), 'the configuration has checked REDIS_URL');
  return new RedisUnreachable(redisHosts(address), describeError(error), { cause: error });
}

/** Where the server sends no alert, this error looks like any lost connection. */
const UNSIGNED_CLIENT =
  "a server that asks for a client's certificate ends connections without one: REDIS_CERT_FILE and REDIS_KEY_FILE must name it";

/**
 * Returns the error for a failed connection attempt: a RedisUnreachable when the server is
 * unavailable.
 */
export function refusalOf(error: unknown, address: RedisAddress): OperatorError {
  if (error instanceof RefusedServer) return new OperatorError(error.message, { cause: error });
  const hosts = redisHosts(address);
  const message = error instanceof Error ? error.message : '';
  const sentence = sentenceFor(message, codeOf(error), address);
  if (sentence !== null)
    return new OperatorError(`Redis at ${hosts} ${sentence}`, { cause: error });
  const why = describeError(error);
  if (error instanceof Error && !isAway(error))
    return new OperatorError(`Redis at ${hosts} cannot be used (${why}). Check REDIS_URL.`, {
      cause: error,
    });
  return new RedisUnreachable(hosts, address.tls ? `${why}; ${UNSIGNED_CLIENT}` : why, {
    cause: error,
  });
}

/**
 * Whether the error means that the server is unavailable: errors of ioredis, and replies of a
 * server that is not ready.
 */
function isAway(error: Error): boolean {
  return (
    CLIENT_ERRORS.has(error.name) ||
    CLIENT_WORDS.test(error.message) ||
    NOT_READY.test(error.message) ||
    isNetworkFailure(codeOf(error))
  );
}

const CLIENT_ERRORS = new Set(['MaxRetriesPerRequestError', 'ClusterAllFailedError', 'AbortError']);
const CLIENT_WORDS =
  /^(Connection is closed|Command timed out|Stream isn't writeable|Redis is not connected|Socket timeout|Cluster isn't ready|Cluster is ended|None of startup nodes is available|All sentinels are unreachable)/;
/**
 * Beginnings of replies: the server loads its data, fails over, runs a long script, or has reached
 * its limit of connections.
 */
const NOT_READY =
  /^(LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|NOREPLICAS|UNBLOCKED|BUSY|ERR max number of clients)\b/;

function sentenceFor(message: string, code: string, address: RedisAddress): string | null {
  const ofSentinels = /^All sentinels are unreachable.*?(NOAUTH|WRONGPASS|No such master)/.exec(
    message,
  );
  if (ofSentinels !== null)
    return ofSentinels[1] === 'No such master'
      ? `are sentinels that know no master named ${address.sentinel?.master}. Check the name at the end of REDIS_URL.`
      : `are sentinels that refuse their credentials (${ofSentinels[1]}). Check sentinelPassword, and sentinelUsername if they have users, in REDIS_URL.`;
  const refused = /\b(?:NOAUTH|WRONGPASS)\b|without any password|invalid password/i.exec(message);
  if (refused !== null)
    return `refuses the credentials of REDIS_URL (${refused[0]}). Check its user and password.`;
  if (message.startsWith('DENIED'))
    return 'is in protected mode: it lets other machines in only with a password. Set requirepass or an ACL user, and name it in REDIS_URL.';
  if (message.startsWith('NOPERM')) {
    const user = address.username ?? 'default';
    return `does not let the user ${user} choose a database. Type: ACL SETUSER ${user} +select`;
  }
  if (/DB index is out of range/i.test(message))
    return `has no database ${address.database}. Choose a smaller number at the end of REDIS_URL, or a REDIS_PREFIX of this deployment's own in database 0.`;
  if (/SELECT is not allowed in cluster mode/i.test(message))
    return 'is a cluster, which has database 0 only. Take the number off the end of REDIS_URL; REDIS_PREFIX keeps deployments apart.';
  return isTlsFailure(code, message) ? tlsSentence(code) : null;
}

const CERTIFICATE_CODES = new Set([
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
]);

function isTlsFailure(code: string, message: string): boolean {
  return CERTIFICATE_CODES.has(code) || code.startsWith('ERR_SSL_') || /certificate/i.test(message);
}

function tlsSentence(code: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `shows a certificate for other hosts (${code}). REDIS_URL must name it as its certificate does.`;
  if (CERTIFICATE_CODES.has(code))
    return `shows a certificate that is not trusted (${code}). REDIS_CA_FILE must name the file of the authority that signed it.`;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return `does not speak TLS on this port (${code}). REDIS_URL must name its TLS port, or begin with redis:.`;
  return `does not accept this TLS connection (${code || 'TLS'}). If it asks for a client's certificate, REDIS_CERT_FILE and REDIS_KEY_FILE must name one that it trusts.`;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : '';
}
