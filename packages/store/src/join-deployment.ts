import { type Explain, type Runtime, waitForServers } from '@syncline/runtime';
import type { Feed } from './feed.js';
import type { Keys } from './master-keys.js';

/**
 * Announces the keys of this process to the others of its deployment. Waits for a Postgres that is
 * away for `rt.serverWaitMs`.
 * @returns the deployment's name, `Store.feed.name`
 * @throws OperatorError when Postgres stays away
 */
export function joinDeployment(
  rt: Runtime,
  { keys, feed, unavailable }: { keys: Keys; feed: Feed; unavailable: Explain },
  service: Parameters<Keys['announce']>[0],
): Promise<string> {
  const join = (): Promise<string> => keys.announce(service).then(() => feed.name());
  return waitForServers(rt, join, [unavailable]);
}
