/**
 * One deployment per prefix: Redis also stores the name that Postgres has for this deployment. A
 * different name in Redis means that the fleet of another database uses the same keys. Each fleet
 * would then take the jobs of the other.
 *
 * A name is `deployment:system:database` (`Store.feed.name`). A restored database has the same
 * deployment id but is another database. It takes over the prefix, unless processes of the original
 * database are still connected.
 */
import { OperatorError } from '../errors.js';
import { type RedisConnection, type RedisSettings, mastersOf } from './connect.js';

/** Number of digits of a deployment's id in the names of connections. */
const MARK_DIGITS = 8;

/**
 * Returns the name of a connection: its deployment, its purpose, and the process whose liveness it
 * proves. The names of BullMQ's connections also begin with the prefix and have the same ending.
 */
export function connectionNameOf(
  { redisPrefix, deployment }: RedisSettings,
  kind: string,
  holder: string | undefined,
): string {
  const mark = deployment === null ? '' : `@${markOf(deployment)}`;
  return `${redisPrefix}:${kind}${mark}${holder === undefined ? '' : `:w:${holder}`}`;
}

/**
 * Claims the prefix for this deployment. Does nothing when the deployment already has it.
 * @throws OperatorError when another deployment has the prefix, or is connected although its name
 * in Redis is lost
 */
export async function claimPrefix(
  connection: RedisConnection,
  settings: RedisSettings,
  hosts: string,
): Promise<void> {
  const { deployment, redisPrefix } = settings;
  if (deployment === null) return;
  const key = `${redisPrefix}:deployment`;
  const kept = await connection.get(key);
  if (kept !== null && isSame(kept, deployment)) return;
  const isFree = kept === null || isOf(kept, deployment);
  if (!isFree || (await isAnotherConnected(connection, redisPrefix, deployment)))
    throw anotherDeployment(hosts, redisPrefix);
  if (kept === null) await connection.set(key, deployment, 'NX');
  else await connection.set(key, deployment);
  const now = await connection.get(key);
  if (now !== null && !isSame(now, deployment)) throw anotherDeployment(hosts, redisPrefix);
}

/**
 * Called repeatedly by a running process. Restores the name after a loss of data in Redis. Returns
 * false when another deployment has the prefix now.
 */
export async function keepPrefix(
  connection: RedisConnection,
  { redisPrefix, deployment }: RedisSettings,
): Promise<boolean> {
  if (deployment === null) return true;
  const key = `${redisPrefix}:deployment`;
  const kept = await connection.get(key);
  if (kept !== null) return isSame(kept, deployment);
  await connection.set(key, deployment, 'NX');
  return true;
}

function anotherDeployment(hosts: string, prefix: string): OperatorError {
  return new OperatorError(
    `Redis at ${hosts} serves another deployment under the prefix "${prefix}": its database is not the one of DATABASE_URL. Set REDIS_PREFIX to another name for this one. (If the other one is gone for good: DEL ${prefix}:deployment)`,
  );
}

/**
 * Whether another deployment is connected. After Redis lost its keys, a running fleet is recognized
 * by the names of its connections. Returns false when these names cannot be read.
 */
async function isAnotherConnected(
  connection: RedisConnection,
  prefix: string,
  deployment: string,
): Promise<boolean> {
  const marked = new RegExp(` name=${prefix.replaceAll('.', '\\.')}:[a-z]+@([0-9a-f_]+)`, 'g');
  const lists = await Promise.all(
    mastersOf(connection).map((master) => master.client('LIST').catch(() => '')),
  );
  const ours = markOf(deployment);
  const marks = lists.flatMap((list) => [...String(list).matchAll(marked)].map(([, mark]) => mark));
  return marks.some((mark) => mark !== undefined && !isSame(mark, ours, '_'));
}

/**
 * Compares two names. A role that may not read the system identifier has a name without it; the
 * identifier is compared only when both names have one.
 */
function isSame(one: string, other: string, separator = ':'): boolean {
  const [a, b] = [one.split(separator), other.split(separator)];
  const isSameSystem = a[1] === b[1] || !a[1] || !b[1];
  return a[0] === b[0] && isSameSystem && a[2] === b[2];
}

function isOf(name: string, deployment: string): boolean {
  return name.split(':')[0] === deployment.split(':')[0];
}

function markOf(deployment: string): string {
  const [id = '', system = '', database = ''] = deployment.split(':');
  return [id.replaceAll('-', '').slice(0, MARK_DIGITS), system, database].join('_');
}
