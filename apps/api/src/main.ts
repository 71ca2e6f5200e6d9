import '@syncline/runtime/at-start';
import { openFleet } from '@syncline/fleet';
import {
  type PushVerifier,
  type Subscription,
  openPushVerifier,
  openSubscription,
} from '@syncline/google/push';
import {
  type ResolvedConfig,
  type Runtime,
  type Service,
  must,
  readServiceAccount,
  runHealthProbe,
  redisSettings,
  runProcess,
} from '@syncline/runtime';
import { joinDeployment, openStore, POOL_SIZES } from '@syncline/store';
import { openListeners } from './listeners.js';
import { operatorApp } from './operator-app.js';
import { publicApp } from './public-app.js';
import { openNotifier } from './notifications/notifier.js';
import { runPull, warnOfUnreceivedTopics } from './notifications/index.js';

void runProcess('api', startApi, { requires: ['master-key', 'notifications'] });

async function startApi(rt: Runtime, config: ResolvedConfig): Promise<Service> {
  const { databaseUrl, masterKey, oldMasterKey } = config;
  const store = await openStore(rt, {
    databaseUrl,
    masterKey,
    oldMasterKey,
    poolSize: config.databasePoolSize ?? POOL_SIZES.api,
    byIndex: true,
  });
  const redis = redisSettings(config, await joinDeployment(rt, store, 'api'));
  const fleet = await openFleet(rt, redis);
  void runHealthProbe(rt, {
    name: 'postgres',
    need: 'not-ready',
    check: () => store.probeWrite(),
  });
  void runHealthProbe(rt, { name: 'master-key', need: 'not-ready', check: store.keys.check });
  // Notifications are written to Postgres, and the scheduler queues them when Redis is back.
  void runHealthProbe(rt, { name: 'redis', need: 'degraded', check: () => fleet.probeWrite() });
  const notifier = openNotifier(rt, { store, fleet });
  const verifier = verifierOf(rt, config);
  const subscriptions = subscriptionsOf(rt, config);
  if (!verifier) warnOfUnreceivedTopics(rt, config);
  const pulling = Promise.all(
    subscriptions.map((subscription, at) => runPull(rt, subscription, notifier, `pull-${at + 1}`)),
  );
  const listeners = await openListeners(rt, config, {
    publicApp: publicApp(rt, {
      notifier,
      verifier,
      subscriptions: config.push?.pushSubscriptions ?? null,
      vault: store.vault,
    }),
    operatorApp: operatorApp(rt, { store, fleet }, config.operatorHost),
  });
  return {
    finished: fleet.displaced.then(() => 1),
    drain: async () => {
      await Promise.all([listeners.close(), pulling]);
      await Promise.all([
        fleet.close(),
        store.close(),
        verifier?.close(),
        ...subscriptions.map((subscription) => subscription.close()),
      ]);
    },
  };
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
