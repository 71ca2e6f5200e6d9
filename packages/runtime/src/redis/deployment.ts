/**
 * One deployment for each prefix: the name that Postgres has of this deployment is kept in Redis too. Another one there means that another database's
 * fleet uses the same keys, and both would take each other's jobs.
 *
 * A name is `deployment:system:database` (`Store.feed.name`). A restored database has the deployment's id and is another database: it takes the prefix
 * over, unless the one that it was made of is still at work.
 */
import { OperatorError } from '../errors.js';
import { type RedisConnection, type RedisSettings, mastersOf } from './connect.js';

/** Digits of a deployment's id that stand in the names of connections. */
const MARK_DIGITS = 8;

/**
 * How a connection of ours calls itself: whose it is, what it is for, and the process that it is a sign of life of.
 * BullMQ's own begin with the prefix, too, and end alike.
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
 * Takes the prefix for this deployment, or finds that it has it.
 * @throws OperatorError when another deployment has it, or is connected although Redis has forgotten so
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

/** As a living process does: what Redis has forgotten is written again. False when another deployment has the prefix now. */
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

/** After Redis lost its keys a living fleet is known by the names of its connections. Where they cannot be read, nothing is known. */
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

/** Roles that may not ask for the system name none: it counts where both have one. */
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
