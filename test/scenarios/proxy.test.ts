import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ConnectProxy, startConnectProxy } from '../support/connect-proxy.js';
import { type FleetWorld, startFleetWorld } from '../support/fleet-world.js';
import { lineOf, startProgram } from '../support/processes.js';
import { type TlsGoogle, startTlsGoogle } from '../support/tls-google.js';

/* Real processes whose only way to Google is a company's proxy: Google's own names, TLS to the end, an authority of the operator's own. */

const TOPIC = 'projects/sim/topics/gmail';
const PULLED = 'projects/sim/subscriptions/pulled';
const PUSHED = 'projects/sim/subscriptions/pushed';
const SERVICE_ACCOUNT = 'push@sim.iam.gserviceaccount.com';
const AUDIENCE = 'https://sync.example.com/push/gmail';

let world: FleetWorld;
let google: TlsGoogle;
let proxy: ConnectProxy;
beforeAll(async () => {
  world = await startFleetWorld({
    accounts: 1,
    messagesPerAccount: 12,
    calendarsPerAccount: 1,
    eventsPerCalendar: 5,
  });
  google = await startTlsGoogle(world.simulator.url);
  proxy = await startConnectProxy({ credentials: 'fleet:hunter2', route: () => google.port });
  const { GOOGLE_API_URL: _simulator, ...env } = world.env;
  world.env = {
    ...env,
    GOOGLE_CLIENT_ID: 'test',
    GOOGLE_CLIENT_SECRET: 'test',
    HTTPS_PROXY: `http://fleet:hunter2@127.0.0.1:${proxy.port}`,
    HTTP_PROXY: 'http://127.0.0.1:9',
    NODE_EXTRA_CA_CERTS: google.caFile,
    GMAIL_PUBSUB_TOPIC: TOPIC,
  };
});
afterAll(async () => {
  await world.close();
  await proxy.close();
  await google.close();
});

/** The host and path of every request that Google has had. */
const requests = (): Set<string> =>
  new Set(google.urls.map((url) => new URL(url)).map(({ host, pathname }) => `${host}${pathname}`));

async function untilAsked(...expected: string[]): Promise<void> {
  for (const deadline = performance.now() + 60_000; ;) {
    const missing = expected.filter((one) => !requests().has(one));
    if (missing.length === 0) return;
    if (performance.now() > deadline) throw new Error(`Google was not asked for ${missing.join()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('all requests to Google use HTTPS_PROXY: tokens, calls, batches, watches, Pub/Sub, keys and revocations', async () => {
  const { simulator } = world;
  const keyFile = path.join(path.dirname(google.caFile), 'service-account.json');
  writeFileSync(keyFile, JSON.stringify(simulator.serviceAccount.keyFile()));
  simulator.delivery.set({ minGapMs: 0 });
  simulator.pubsub.addTopic(TOPIC);
  simulator.pubsub.subscribe({ name: PULLED, topic: TOPIC });
  const api = startProgram('api', {
    ...world.env,
    PORT: '0',
    GMAIL_PUBSUB_SUBSCRIPTION: PULLED,
    GOOGLE_APPLICATION_CREDENTIALS: keyFile,
    PUSH_GMAIL_SERVICE_ACCOUNT: SERVICE_ACCOUNT,
    PUSH_GMAIL_AUDIENCE: AUDIENCE,
  });
  const listening = JSON.parse(await lineOf(api, (line) => line.includes('"listening"'))) as {
    url: string;
  };
  simulator.pubsub.subscribe({
    name: PUSHED,
    topic: TOPIC,
    pushEndpoint: `${listening.url.replace('localhost', '127.0.0.1')}/push/gmail`,
    serviceAccountEmail: SERVICE_ACCOUNT,
    audience: AUDIENCE,
  });
  const worker = world.start('worker');
  world.start('scheduler');
  const [account] = simulator.accounts();
  expect(await world.import([account ?? {}])).toMatchObject({ code: 0 });
  expect(await world.cli('wait', '--timeout', '90')).toMatchObject({ code: 0 });
  await untilAsked('gmail.googleapis.com/gmail/v1/users/me/watch');
  simulator.act(account?.email ?? '', { action: 'deliver' });
  await untilAsked(
    'oauth2.googleapis.com/token',
    'gmail.googleapis.com/batch/gmail/v1',
    'www.googleapis.com/calendar/v3/users/me/calendarList',
    'www.googleapis.com/oauth2/v3/certs',
    `pubsub.googleapis.com/v1/${PULLED}:pull`,
    `pubsub.googleapis.com/v1/${PULLED}:acknowledge`,
  );
  expect(await world.cli('accounts', 'remove', account?.email ?? '', '--yes')).toMatchObject({
    code: 0,
  });
  await untilAsked('oauth2.googleapis.com/revoke');
  expect(new Set(proxy.asked)).toEqual(
    new Set(['gmail', 'www', 'oauth2', 'pubsub'].map((host) => `${host}.googleapis.com:443`)),
  );
  const said = [...api.output, ...worker.output].join('');
  expect(said).toContain('"event":"proxy_configured"');
  expect(said).not.toContain('hunter2');
}, 240_000);

test('no URL contains a token', () => {
  const [account] = world.simulator.accounts();
  const urls = google.urls.map((url) => decodeURIComponent(url));
  expect(urls.filter((url) => url.includes(account?.refreshToken ?? 'none'))).toEqual([]);
  expect(urls.filter((url) => /ya29|1\/\/|access_token|[?&]token=/.test(url))).toEqual([]);
});

test('a command honours NO_PROXY, uses HTTP_PROXY for a plain-http GOOGLE_API_URL, and names a proxy that refuses', async () => {
  await world.stopAll();
  const refusing = await startConnectProxy({ refuseWith: 403 });
  const [account] = world.simulator.accounts();
  const file = path.join(path.dirname(google.caFile), 'one.ndjson');
  writeFileSync(file, `${JSON.stringify(account)}\n`);
  world.env['GOOGLE_API_URL'] = world.simulator.url;
  world.env['HTTP_PROXY'] = refusing.url;
  world.env['NO_PROXY'] = '127.0.0.1';
  expect(await world.cli('accounts', 'import', file)).toMatchObject({ code: 0 });
  expect(refusing.asked).toEqual([]);
  world.env['NO_PROXY'] = '';
  const { code, stderr } = await world.cli('verify', account?.email ?? '');
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining('the proxy answered 403 instead of opening a tunnel'),
  ]);
  expect(new Set(refusing.asked)).toEqual(new Set([new URL(world.simulator.url).host]));
  await refusing.close();
}, 120_000);

test('without an OAuth client an import asks Google nothing', async () => {
  const asked = google.urls.length;
  const withClient = world.env;
  const { GOOGLE_API_URL, GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET, ...env } = withClient;
  expect([GOOGLE_API_URL, GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET]).not.toContain(undefined);
  world.env = env;
  expect(
    await world.import([{ email: 'later@demo.example', refreshToken: '1//later' }]),
  ).toMatchObject({ code: 0 });
  expect(google.urls).toHaveLength(asked);
  world.env = withClient;
}, 60_000);
