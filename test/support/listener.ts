import type { RequestListener } from 'node:http';
import { type Listener, type ListenerLimits, listen } from '@syncline/runtime';

/** Generous limits, so that a test reaches only those that it sets. */
const LIMITS: ListenerLimits = {
  connections: 1_000,
  headerBytes: 16_384,
  headersMs: 10_000,
  requestMs: 20_000,
  keepAliveMs: 65_000,
  stalledMs: 75_000,
  unreadMs: 10_000,
  requestsPerConnection: 10_000,
};

/** Serves on a free port of 127.0.0.1. */
export function listenForTest(
  handler: RequestListener,
  limits: Partial<ListenerLimits> = {},
): Promise<Listener> {
  return listen(handler, {
    host: '127.0.0.1',
    port: 0,
    variables: { host: 'HOST', port: 'PORT' },
    limits: { ...LIMITS, ...limits },
  });
}
