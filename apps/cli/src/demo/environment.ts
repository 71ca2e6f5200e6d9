/**
 * The environment of a demo: servers, a database of its own, the simulator, a fleet; started in
 * this order and stopped in reverse.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { OperatorError, type Runtime, originOf } from '@syncline/runtime';
import { type Store, openStore } from '@syncline/store';
import { childEnvironment } from '../child-environment.js';
import type { Cli } from '../command.js';
import {
  fleetEnv,
  fleetSpecs,
  programFile,
  urlsOf,
  whenApiAnswers,
  withPorts,
} from '../fleet-processes.js';
import { type Processes, openProcesses } from '../processes.js';
import { type Arrivals, readArrivals } from './arrivals.js';
import { type ApiAccess, connectLink, demoAccess, startExample } from './example.js';
import { type DemoStorage, createDemoStorage } from './storage.js';
import { DEMO_RESOURCES } from './resources.js';
import { type SimulatedGoogle, simulatedGoogle, urlIn } from './simulated-google.js';

export interface DemoPlan {
  accounts: number;
  /** Number per account. */
  messages: number;
  /** Number per account, including the primary. */
  calendars: number;
  /** Number per account, besides other contacts and groups. */
  contacts: number;
  workers: number;
  /** Total actions of the users per second. */
  rate: number;
  seed: number;
  /** Keeps the demo's database. */
  keep: boolean;
  /** Starts the example of a product too. */
  example: boolean;
}

/** How much a person has at Google. */
export type PersonSizes = Pick<DemoPlan, 'messages' | 'calendars' | 'contacts'>;

export interface DemoEnvironment {
  google: SimulatedGoogle;
  store: Store;
  urls: string[];
  access: ApiAccess;
  /** Returns how changes have reached the mirror so far. */
  arrivals(): Promise<Arrivals>;
  /**
   * Aborted when the demo is to end, or a process cannot be kept running: the reason says which.
   */
  signal: AbortSignal;
}

const SIMULATOR_TIMEOUT_MS = 60_000;
const ASK_EVERY_MS = 50;
/** The latency of a Google nearby: most of the time is spent waiting for it and not on the work. */
const LATENCY_MS = 20;
/** The operator's settings for the real Google, and for the proxy to it, are not used in a demo. */
const FOREIGN =
  /^(GOOGLE|GMAIL|CALENDAR|PEOPLE|PUSH|POLL|CONNECT)_|^(DATABASE_(API_)?URL|REDIS_URL|SYNCLINE_MASTER_KEY|PUBLIC_URL|(OPERATOR_)?(HOST|PORT)$)|^(HTTPS?|NO)_PROXY$|^(https?|no)_proxy$/;
const SCOPES = [
  'openid',
  'userinfo.email',
  ...Object.values(DEMO_RESOURCES).flatMap(({ scopes }) => scopes),
];
/** The OAuth client of the fleet and of the connect pages. */
const CLIENT = { id: 'demo', secret: 'demo', name: 'Syncline demo' };
const KEY_BYTES = 32;
const TOPIC = 'projects/demo/topics/gmail';
const SERVICE_ACCOUNT = 'push@demo.iam.gserviceaccount.com';

/** Starts the environment, runs `act` in it, and removes it in every case. */
export async function withDemo<T>(
  cli: Cli,
  plan: DemoPlan,
  report: (line: string) => void,
  act: (environment: DemoEnvironment) => Promise<T>,
): Promise<T> {
  const { rt, config, env } = cli;
  const logDir = path.join(config.dataDir, 'logs', 'demo');
  const outside = openProcesses(rt, { logDir, report });
  const fleet = openProcesses(rt, { logDir, report });
  const signal = AbortSignal.any([rt.signal, outside.failed, fleet.failed]);
  let space: DemoStorage | null = null;
  try {
    const [made, google] = await Promise.all([
      createDemoStorage(rt, config, cli.createDatabase, report),
      startSimulator(rt, outside, signal, plan, env),
    ]);
    space = made;
    const masterKey =
      config.masterKey.length === KEY_BYTES ? config.masterKey : randomBytes(KEY_BYTES);
    const { host, operatorHost } = config;
    const address = await withPorts({
      host,
      operatorHost,
      port: env['PORT'] ? config.port : 0,
      operatorPort: env['OPERATOR_PORT'] ? config.operatorPort : 0,
    });
    const origin = originOf(host, address.port);
    await registerApi(google, origin);
    const metricsUrls = keepFleet(
      fleet,
      demoEnv(env, { ...space, masterKey, ...address }, google.url, origin),
      plan.workers,
    );
    const store = await openStore(rt, { databaseUrl: space.databaseUrl, masterKey, poolSize: 4 });
    try {
      await whenApiAnswers(rt, address, signal);
      const access = await demoAccess(store, origin);
      const inbox = plan.example
        ? [`inbox    ${await startExample(rt, fleet, access, { env, signal })}`]
        : [];
      return await act({
        google,
        store,
        urls: [...inbox, ...(await pagesOf(origin, access)), ...urlsOf(address)],
        access,
        arrivals: () => readArrivals([...metricsUrls.values()]),
        signal,
      });
    } finally {
      await store.close();
    }
  } finally {
    if (rt.signal.aborted) report('draining');
    // The fleet stops first: otherwise its logs would report a missing Google.
    await fleet.drain();
    await outside.drain();
    if (!plan.keep) await space?.remove();
  }
}

const NEWCOMER = 'newcomer@demo.example';

/**
 * Adds a person without an account, for whoever tries the connect pages.
 * @returns a line that says so
 */
export async function addNewcomer(google: SimulatedGoogle, sizes: PersonSizes): Promise<string> {
  const { messages, calendars, contacts } = sizes;
  await google.addPerson({ email: NEWCOMER, messages, calendars, contacts });
  return `${NEWCOMER} is not connected yet: choose it on the connect pages`;
}

async function pagesOf(origin: string, access: ApiAccess): Promise<string[]> {
  return [`docs     ${origin}/docs`, `connect  ${await connectLink(access)}`];
}

/** Registers the API's addresses for notifications and for redirects after consent. */
async function registerApi(google: SimulatedGoogle, origin: string): Promise<void> {
  await google.notifyAt(`${origin}/push/gmail`, TOPIC, SERVICE_ACCOUNT);
  const redirectUris = [`${origin}/connect/callback`];
  await google.registerClient({ ...CLIENT, redirectUris });
}

async function startSimulator(
  rt: Runtime,
  processes: Processes,
  signal: AbortSignal,
  plan: DemoPlan,
  env: NodeJS.ProcessEnv,
): Promise<SimulatedGoogle> {
  const options = {
    scopes: SCOPES.join(),
    port: 0,
    accounts: plan.accounts,
    messages: plan.messages,
    calendars: plan.calendars,
    contacts: plan.contacts,
    seed: plan.seed,
    latency: LATENCY_MS,
    rate: 0,
  };
  const simulator: { url: string | null } = { url: null };
  processes.keep({
    name: 'simulator',
    script: programFile('simulator'),
    env: childEnvironment('simulator', env),
    irreplaceable: true,
    args: Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
    onLine: (line) => (simulator.url ??= urlIn(line)),
  });
  const deadlineMs = rt.clock.nowMs() + SIMULATOR_TIMEOUT_MS;
  while (simulator.url === null) {
    if (rt.clock.nowMs() >= deadlineMs)
      throw new OperatorError('The simulator does not listen; its log says why.');
    await rt.clock.sleep(ASK_EVERY_MS, signal);
  }
  return simulatedGoogle(simulator.url);
}

/**
 * Starts the fleet.
 * @returns where each process serves its metrics, once it has reported it; a restarted process has
 * another port
 */
function keepFleet(fleet: Processes, env: NodeJS.ProcessEnv, workers: number): Map<string, string> {
  const urls = new Map<string, string>();
  for (const spec of fleetSpecs(env, workers)) {
    fleet.keep({
      ...spec,
      onLine: (line) => {
        const url = /"event":"metrics",.*"url":"([^"]+)"/.exec(line)?.[1];
        if (url !== undefined) urls.set(spec.name, url);
      },
    });
  }
  return urls;
}

/**
 * Returns the environment with notifications of every kind, which the simulator can deliver without
 * a public address, and with polling at the pace of a real fleet.
 */
function demoEnv(
  env: NodeJS.ProcessEnv,
  settings: Parameters<typeof fleetEnv>[1],
  googleUrl: string,
  origin: string,
): NodeJS.ProcessEnv {
  return {
    ...fleetEnv(withoutForeign(env), settings),
    METRICS_PORT: env['METRICS_PORT'] || '0',
    GOOGLE_API_URL: googleUrl,
    GOOGLE_CLIENT_ID: CLIENT.id,
    GOOGLE_CLIENT_SECRET: CLIENT.secret,
    CONNECT_APP_NAME: CLIENT.name,
    GMAIL_PUBSUB_TOPIC: TOPIC,
    PUSH_BASE_URL: origin,
    PUSH_GMAIL_SERVICE_ACCOUNT: SERVICE_ACCOUNT,
  };
}

function withoutForeign(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !FOREIGN.test(name)));
}
