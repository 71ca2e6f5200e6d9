import '@syncline/runtime/at-start';
import { openKeyCheck } from '@syncline/control/api-keys';
import { openFreshReads } from '@syncline/control/fresh-reads';
import { type Fleet, openFleet } from '@syncline/fleet';
import { type Google, openGoogle } from '@syncline/google';
import {
  type PushVerifier,
  type Subscription,
  openPushVerifier,
  openSubscription,
} from '@syncline/google/push';
import {
  type RedisSettings,
  type ResolvedConfig,
  type Runtime,
  type Service,
  hasOAuthClient,
  must,
  productVersion,
  readServiceAccount,
  runHealthProbe,
  redisSettings,
  runProcess,
} from '@syncline/runtime';
import { openApiStore, POOL_SIZES, runHeartbeat, type Store } from '@syncline/store';
import type { RequestHandler } from 'express';
import {
  connectPages,
  openConnect,
  type ConnectParts,
  type PublicAddress,
} from './connect/open.js';
import { openHints } from './hints.js';
import { openListeners } from './listeners.js';
import { operatorApp } from './operator-app.js';
import { publicApp } from './public-app.js';
import { openNotifier } from './notifications/notifier.js';
import { runPull, warnOfUnreceivedTopics } from './notifications/index.js';
import { openHandlers } from './routes/index.js';
import { apiRoutes } from './v1/api.js';
import { openRateLimits, type RateLimits } from './v1/rate-limit.js';
import { openSlots } from './v1/slots.js';
import { openStreams } from './v1/streams.js';

void runProcess('api', startApi, { requires: ['master-key', 'notifications'] });

async function startApi(rt: Runtime, config: ResolvedConfig): Promise<Service> {
  const { databaseUrl, masterKey, oldMasterKey } = config;
  const store = await openApiStore(rt, {
    databaseUrl,
    masterKey,
    oldMasterKey,
    poolSize: config.databasePoolSize ?? POOL_SIZES.api,
    byIndex: true,
    reads: { databaseUrl: config.databaseApiUrl, poolSize: config.apiPoolSize },
  });
  const redis = redisSettings(config, await store.join('api'));
  const fleet = await openFleet(rt, redis);
  announceHealth(rt, store, fleet);
  const google = await googleOf(rt, config, { store, redis });
  const address = addressOf(config);
  const connect = google && openConnect(config, address);
  const limits = openRateLimits({ connection: fleet.connection, prefix: redis.redisPrefix });
  const api = openApi(rt, config, { store, fleet, google, connect, limits });
  const pages = google && connect ? [connectPages(rt, connect, { store, google, limits })] : [];
  const notifier = openNotifier(rt, { store, fleet });
  const [verifier, subscriptions] = [verifierOf(rt, config), subscriptionsOf(rt, config)];
  if (!verifier) warnOfUnreceivedTopics(rt, config);
  const pulling = Promise.all(
    subscriptions.map((subscription, at) => runPull(rt, subscription, notifier, `pull-${at + 1}`)),
  );
  const listeners = await openListeners(rt, config, {
    publicApp: publicApp(
      rt,
      {
        notifier,
        verifier,
        subscriptions: config.push?.pushSubscriptions ?? null,
        vault: store.vault,
      },
      [...pages, api],
    ),
    operatorApp: operatorApp(rt, { store, fleet }, config.operatorHost),
  });
  address.url = config.connect.publicUrl ?? loopback(listeners.port);
  return {
    finished: fleet.displaced.then(() => 1),
    drain: async () => {
      await Promise.all([listeners.close(), pulling]);
      await Promise.all([
        fleet.close(),
        store.close(),
        google?.close(),
        connect?.consent.close(),
        verifier?.close(),
        ...subscriptions.map((subscription) => subscription.close()),
      ]);
    },
  };
}

/** Starts the probes behind `/readyz`, and the heartbeat. */
function announceHealth(rt: Runtime, store: Store, fleet: Fleet): void {
  void runHealthProbe(rt, {
    name: 'postgres',
    need: 'not-ready',
    check: () => store.probeWrite(),
  });
  void runHealthProbe(rt, { name: 'master-key', need: 'not-ready', check: store.keys.check });
  // Notifications are written to Postgres, and the scheduler queues them when Redis is back.
  void runHealthProbe(rt, { name: 'redis', need: 'degraded', check: () => fleet.probeWrite() });
  void runHeartbeat(rt, store, { service: 'api' });
}

/** Returns null when no OAuth client is configured: the first sync then checks each grant. */
async function googleOf(
  rt: Runtime,
  config: ResolvedConfig,
  { store, redis }: { store: Store; redis: RedisSettings },
): Promise<Google | null> {
  if (!hasOAuthClient(config.google)) return null;
  const { quotas } = config;
  return openGoogle(rt, { ...config.google, ...redis, quotas, tokens: store.vault });
}

function addressOf({ connect, port }: ResolvedConfig): PublicAddress {
  return { url: connect.publicUrl ?? loopback(port) };
}

function loopback(port: number): string {
  return `http://127.0.0.1:${port}`;
}

interface ApiParts {
  store: Store;
  fleet: Fleet;
  google: Google | null;
  connect: ConnectParts | null;
  limits: RateLimits;
}

function openApi(
  rt: Runtime,
  config: ResolvedConfig,
  { store, fleet, google, connect, limits }: ApiParts,
): RequestHandler {
  return apiRoutes(rt, {
    store,
    keys: openKeyCheck(rt, { store }),
    limits,
    streams: openStreams(rt),
    handlers: openHandlers(rt, {
      store,
      hints: fleet.feedHints,
      fresh: openFreshReads(rt, { store }, openHints(rt, fleet, 'request')),
      slots: openSlots(),
      google,
      connect,
      projects: config.google.projects.map(({ name }) => name),
      planning: config,
      // Relative to the document's own address, which proxies may change.
      serverUrl: '/',
      version: productVersion(),
    }),
  });
}

/** Returns null while the configuration does not state what a push must carry. */
function verifierOf(rt: Runtime, { google, push }: ResolvedConfig): PushVerifier | null {
  const { audience, serviceAccount } = push ?? {
    audience: null,
    serviceAccount: null,
  };
  return audience !== null && serviceAccount !== null
    ? openPushVerifier(rt, {
        apiUrl: google.apiUrl,
        proxy: google.proxy,
        audience,
        serviceAccount,
      })
    : null;
}

/** Returns one subscription for each Google project whose notifications are pulled. */
function subscriptionsOf(rt: Runtime, { google, push }: ResolvedConfig): Subscription[] {
  const names = [push?.subscription ?? [], push?.projectSubscriptions ?? []].flat();
  if (names.length === 0) return [];
  const serviceAccount = must(
    readServiceAccount(push?.credentialsFile ?? ''),
    'the configuration has checked the key file',
  );
  return names.map((name) =>
    openSubscription(rt, { apiUrl: google.apiUrl, proxy: google.proxy, name, serviceAccount }),
  );
}
