import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startClock, type SimClock } from './clock.js';
import { act, type ActionOrder, type ActResult } from './control/act.js';
import { createControl } from './control/control.js';
import { openRandomTraffic } from './control/traffic.js';
import { contactsTruth, type ContactMasks, type ContactTruth } from './control/truth-contacts.js';
import { calendarTruth, gmailTruth, type CalendarTruth, type GmailTruth } from './control/truth.js';
import { FEDERATED_KEY } from './federated-key.js';
import { Faults } from './faults.js';
import { AttachmentIds } from './gmail/attachments.js';
import { MessageJson } from './gmail/message-json.js';
import { Clients, type ClientOrder } from './clients.js';
import { Authorizations } from './consent/authorizations.js';
import { Codes } from './consent/codes.js';
import { ConsentScripts, type ConsentOrder } from './consent/scripts.js';
import { Grants } from './grants.js';
import { createApi } from './http/api.js';
import { createHttpServer } from './http/server.js';
import { Ledger } from './ledger.js';
import { loadEml } from './load/load-eml.js';
import { loadIcs } from './load/load-ics.js';
import { loadMbox } from './load/load-mbox.js';
import type { LoadReport } from './load/report.js';
import { complete, type Settings, type SimulatorOptions } from './options.js';
import { PageTokens } from './page-tokens.js';
import { createPrng } from './prng.js';
import { Channels } from './push/channels.js';
import { PubSub } from './push/pubsub.js';
import { Watches } from './push/watches.js';
import { Delivery } from './push/delivery.js';
import { Quota } from './quota.js';
import { fullScope } from './scopes.js';
import { ServiceAccount } from './service-account.js';
import { SigningKey } from './signing-key.js';
import type { Sim } from './sim.js';
import { World, type Account } from './world.js';

/** A running simulated Google. */
export interface Simulator {
  /** The origin that replaces all of Google's hosts, without a trailing slash. */
  readonly url: string;
  readonly world: World;
  readonly faults: Faults;
  readonly ledger: Ledger;
  readonly clock: SimClock;
  /** The results of loading files. */
  readonly loaded: readonly LoadReport[];
  /** Returns the accounts in the form of an import. */
  accounts(): { email: string; refreshToken: string }[];
  /** Performs an action of a user. Throws for an unknown account or id. */
  act(email: string, order: ActionOrder): ActResult;
  /** Performs random actions over all accounts; returns how many found something to act on. */
  actAtRandom(count: number): number;
  /** Sets the number of automatic actions per second; 0 stops them. */
  setRate(perSecond: number): void;
  /** Changes the sizes of pages from now on; omitted options stay as they are. */
  setPages(
    pages: Pick<
      SimulatorOptions,
      'largestPage' | 'shortGmailPages' | 'shortCalendarPages' | 'shortPeoplePages'
    >,
  ): void;
  /** Records a new consent of the user after a revocation; returns the new refresh token. */
  consent(email: string, scopes?: readonly string[]): string;
  /** Registers an OAuth client; see `ClientOrder`. */
  registerClient(order: ClientOrder): void;
  /** Answers coming authorization requests without a page; see `ConsentOrder`. */
  scriptConsent(order: ConsentOrder): void;
  /** Topics and subscriptions, and the faults of their deliveries. */
  readonly pubsub: PubSub;
  readonly delivery: Delivery;
  readonly serviceAccount: ServiceAccount;
  gmailTruth(email: string): GmailTruth[];
  calendarTruth(email: string): CalendarTruth[];
  /** What the lists of contacts give with these masks. */
  contactsTruth(email: string, masks?: ContactMasks): ContactTruth[];
  /** Stops listening, closes connections and ends the background actions. */
  close(): Promise<void>;
}

/**
 * Creates the world and listens. Throws RangeError for invalid options, and the system's error for
 * a used port.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = complete(options);
  const clock = startClock(options.nowMs);
  const world = new World(settings, clock);
  const loaded = await loadFiles(world, settings, clock);
  const attachmentIds = new AttachmentIds(
    createPrng(settings.seed).fork('traffic').fork('attachments'),
    clock,
  );
  const sim = build(settings, clock, world, attachmentIds);
  const { grants, ledger } = sim;
  for (const client of settings.clients) sim.clients.register(client);
  for (const account of world.all()) grants.consent(account.key);
  const traffic = openRandomTraffic(world, clock, createPrng(settings.seed).fork('crowd'));
  const server = createHttpServer(sim, createApi(sim, attachmentIds), createControl(sim, traffic));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(settings.port, settings.host, resolve);
  });
  traffic.setRate(settings.actionsPerSecond);
  const known = (email: string): Account => accountOf(world, email);
  return {
    url: `http://${settings.host}:${(server.address() as AddressInfo).port}`,
    world,
    faults: sim.faults,
    ledger,
    clock,
    loaded,
    accounts: () =>
      world.all().map(({ email, key }) => ({
        email,
        refreshToken: grants.ofAccount(key)?.refreshToken ?? '',
      })),
    act: (email, order) => act({ world, clock, account: known(email) }, order),
    actAtRandom: (count) => traffic.actAtRandom(count),
    setRate: (perSecond) => traffic.setRate(perSecond),
    setPages: (pages) => void Object.assign(settings, pages),
    consent: (email, scopes) =>
      grants.consent(known(email).key, scopes?.map(fullScope)).refreshToken,
    registerClient: (order) => void sim.clients.register(order),
    scriptConsent: (order) => void sim.consentScripts.add(order),
    pubsub: sim.pubsub,
    delivery: sim.delivery,
    serviceAccount: sim.serviceAccount,
    gmailTruth: (email) => [...gmailTruth(known(email))],
    calendarTruth: (email) => [...calendarTruth(known(email))],
    contactsTruth: (email, masks) => [...contactsTruth(known(email), masks)],
    close: async () => {
      traffic.stop();
      clock.stop();
      sim.channels.close();
      sim.pubsub.stop();
      await closed(server);
    },
  };
}

/**
 * Creates the shared state. The generators are forked in a fixed order, so that a seed always gives
 * the same world.
 */
function build(
  settings: Settings,
  clock: SimClock,
  world: World,
  attachmentIds: AttachmentIds,
): Sim {
  const traffic = createPrng(settings.seed).fork('traffic');
  const ledger = new Ledger(clock.nowMs());
  const grants = new Grants(settings.seed, clock, traffic.fork('grants'), settings);
  const signingKey = new SigningKey('sim-federated-signon', FEDERATED_KEY);
  const delivery = new Delivery(clock, traffic.fork('delivery'), ledger);
  const pubsub = new PubSub(clock, traffic.fork('pubsub'), ledger, delivery, signingKey);
  return {
    settings,
    clock,
    world,
    grants,
    clients: new Clients(),
    authorizations: new Authorizations(clock),
    codes: new Codes(clock, traffic.fork('codes')),
    consentScripts: new ConsentScripts(),
    ledger,
    traffic,
    signingKey,
    delivery,
    pubsub,
    serviceAccount: new ServiceAccount(settings.scopes),
    watches: new Watches(clock, ledger, pubsub, delivery),
    channels: new Channels(clock, traffic.fork('channels'), ledger, delivery),
    quota: new Quota(settings.quota, ledger, traffic.fork('quota')),
    faults: new Faults(world, grants, ledger, traffic.fork('faults')),
    messageJson: new MessageJson(attachmentIds, settings),
    listPages: new PageTokens(traffic.fork('list pages')),
    historyPages: new PageTokens(traffic.fork('history pages')),
  };
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}

async function loadFiles(world: World, settings: Settings, clock: SimClock): Promise<LoadReport[]> {
  const [account] = world.all();
  if (account === undefined) return [];
  const reports: LoadReport[] = [];
  for (const directory of settings.emlDirectories)
    reports.push(await loadEml(account, directory, clock.nowMs()));
  for (const file of settings.mboxFiles) reports.push(await loadMbox(account, file, clock.nowMs()));
  account.mailbox.history.complete();
  for (const directory of settings.icsDirectories)
    reports.push(await loadIcs(world, account, directory, clock.nowMs()));
  return reports;
}

function accountOf(world: World, email: string): Account {
  const account = world.get(email);
  if (account === null) throw new Error('no such account');
  return account;
}
