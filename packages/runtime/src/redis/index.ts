export {
  type ConnectionOptions,
  type RedisConnection,
  type RedisSettings,
  endConnection,
  mastersOf,
  onRedisError,
  reconnectDelayMs,
  redisSettings,
} from './connect.js';
export { claimPrefix, connectionNameOf, keepPrefix } from './deployment.js';
export { erasePrefix } from './erase.js';
export { type FoundRedis, findRedis, undiscoveredRedis } from './find.js';
export { RedisUnreachable, redisProblemOf } from './refusal.js';
export { CLUSTER_COMMANDS, REDIS_COMMANDS, UNTRIED_COMMANDS } from './rights.js';
export { type RedisScript, loadScript } from './script.js';
export { type ServerRun, serverRunOf } from './server-run.js';
