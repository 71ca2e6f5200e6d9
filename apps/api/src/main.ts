import { openFleet } from '@syncline/fleet';
import { type PushVerifier, type Subscription, openPushVerifier, openSubscription } from '@syncline/google';
import { type ResolvedConfig, type Runtime, type Service, must, readServiceAccount, runProcess } from '@syncline/runtime';
import { openStore } from '@syncline/store';
import { createApp } from './app.js';
import { listen } from './listen.js';
import { openBells } from './push/bells.js';
import { runPull } from './push/pull.js';

/** Health checks, and a write for each doorbell; the mirror is not served from here. */
const POOL_SIZE = 4;

void runProcess('api', startApi, { requires: ['master-key', 'doorbells'] });

async function startApi(rt: Runtime, config: ResolvedConfig): Promise<Service> {
  const { databaseUrl, masterKey, redisUrl, port } = config;
  const store = await openStore(rt, { databaseUrl, masterKey, poolSize: POOL_SIZE });
  const fleet = await openFleet(rt, { redisUrl });
  const bells = openBells(rt, { store, fleet });
  const verifier = verifierOf(rt, config);
  const subscription = subscriptionOf(rt, config);
  if (config.push?.gmailTopic && !verifier && !subscription) rt.log.warn({ event: 'doorbells-unheard' }, 'GMAIL_PUBSUB_TOPIC is set, but neither PUSH_GMAIL_SERVICE_ACCOUNT nor GMAIL_PUBSUB_SUBSCRIPTION: nobody hears what is published there');
  const pulling = subscription ? runPull(rt, subscription, bells) : Promise.resolve();
  const server = await listen(createApp(rt, { store, fleet, push: { bells, verifier, vault: store.vault } }), port);
  const url = `http://localhost:${server.port}`;
  rt.log.info({ event: 'listening', url, board: `${url}/board` }, 'the API answers');
  return {
    drain: async () => {
      await Promise.all([server.close(rt), pulling]);
      await Promise.all([fleet.close(), store.close(), verifier?.close(), subscription?.close()]);
    },
  };
}

/** Null while nothing says what a push must carry. */
function verifierOf(rt: Runtime, { google, push }: ResolvedConfig): PushVerifier | null {
  const { gmailAudience: audience, gmailServiceAccount: serviceAccount } = push ?? { gmailAudience: null, gmailServiceAccount: null };
  return audience !== null && serviceAccount !== null ? openPushVerifier(rt, { apiUrl: google.apiUrl, audience, serviceAccount }) : null;
}

/** Null when nothing is pulled. */
function subscriptionOf(rt: Runtime, { google, push }: ResolvedConfig): Subscription | null {
  if (!push?.gmailSubscription) return null;
  const serviceAccount = must(readServiceAccount(push.credentialsFile ?? ''), 'the configuration has checked the key file');
  return openSubscription(rt, { apiUrl: google.apiUrl, name: push.gmailSubscription, serviceAccount });
}
