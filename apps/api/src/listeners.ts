/** The two listeners of the API process: one for the public, one for its operators. */
import type { RequestListener } from 'node:http';
import { type ListenerLimits, type ResolvedConfig, type Runtime, listen } from '@syncline/runtime';
import { boardRefusal } from './operator-app.js';

/** Longer than the slowest response: a notification may wait 65 s for Postgres. */
const STALLED_MS = 75_000;

/** Limits of the public listener. The head of a notification has about 2 KB. */
const PUBLIC: Omit<ListenerLimits, 'keepAliveMs'> = {
  connections: 1_250,
  headerBytes: 16_384,
  headersMs: 10_000,
  requestMs: 20_000,
  stalledMs: STALLED_MS,
  unreadMs: 10_000,
  requestsPerConnection: 10_000,
};
/** Enough for a few scrapers and browsers. */
const OPERATOR: Omit<ListenerLimits, 'keepAliveMs'> = { ...PUBLIC, connections: 200 };

export interface Listeners {
  /** The port of the public listener. */
  port: number;
  close(): Promise<void>;
}

type Addresses = Pick<
  ResolvedConfig,
  'host' | 'port' | 'operatorHost' | 'operatorPort' | 'httpKeepAliveMs'
>;

/**
 * @throws OperatorError when one of the addresses cannot be listened on; neither listener is then
 * open
 */
export async function openListeners(
  rt: Runtime,
  { host, port, operatorHost, operatorPort, httpKeepAliveMs: keepAliveMs }: Addresses,
  apps: { publicApp: RequestListener; operatorApp: RequestListener },
): Promise<Listeners> {
  const forPublic = await listen(apps.publicApp, {
    host,
    port,
    variables: { host: 'HOST', port: 'PORT' },
    limits: { ...PUBLIC, keepAliveMs },
  });
  try {
    const forOperators = await listen(apps.operatorApp, {
      host: operatorHost,
      port: operatorPort,
      variables: { host: 'OPERATOR_HOST', port: 'OPERATOR_PORT' },
      limits: { ...OPERATOR, keepAliveMs },
    });
    const refusal = boardRefusal(operatorHost);
    if (refusal !== null) rt.log.warn({ event: 'board_withheld' }, refusal);
    rt.log.info(
      {
        event: 'listening',
        url: forPublic.origin,
        port: forPublic.port,
        operatorUrl: forOperators.origin,
        operatorPort: forOperators.port,
        ...(refusal === null ? { board: `${forOperators.origin}/board` } : {}),
      },
      'the API is listening',
    );
    return {
      port: forPublic.port,
      close: async () => void (await Promise.all([forPublic.close(rt), forOperators.close(rt)])),
    };
  } catch (error) {
    await forPublic.close(rt);
    throw error;
  }
}
