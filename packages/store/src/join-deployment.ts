import { type Explain, type Runtime, waitForServers } from '@syncline/runtime';
import type { Feed } from './feed.js';
import type { Keys } from './master-keys.js';

/**
 * Announces this process's keys to the other processes of its deployment. Waits up to
 * `rt.serverWaitMs` for an unavailable Postgres.
 * @returns the deployment's name, `Store.feed.name`
 * @throws OperatorError when Postgres stays unavailable
 */
export function joinDeployment(
  rt: Runtime,
  { keys, feed, unavailable }: { keys: Keys; feed: Feed; unavailable: Explain },
  service: Parameters<Keys['announce']>[0],
): Promise<string> {
  const join = (): Promise<string> => keys.announce(service).then(() => feed.name());
  return waitForServers(rt, join, [unavailable]);
}
