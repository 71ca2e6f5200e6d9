/**
 * The control surface, /sim/…: changes and inspects the simulated world over HTTP, for tests, demos
 * and people. JSON in and out.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { ClientOrder } from '../clients.js';
import type { FaultOrder } from '../faults.js';
import type { SubscriptionOrder } from '../push/pubsub.js';
import { ALL_INLINE, BODY_CHARSETS, type BodyServing } from '../gmail/body-serving.js';
import { fullScope } from '../scopes.js';
import type { Sim } from '../sim.js';
import type { Account } from '../world.js';
import { act, type ActionOrder } from './act.js';
import type { RandomTraffic } from './traffic.js';
import { CONTROLS, MENUS } from './help.js';
import { calendarTruth, gmailTruth } from './truth.js';
import { contactsTruth } from './truth-contacts.js';

export interface Control {
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
    body: Buffer,
  ): Promise<void>;
}

export function createControl(sim: Sim, traffic: RandomTraffic): Control {
  return {
    handle: async (request, response, path, query, body) => {
      const parts = path.split('/').slice(2).map(decodeURIComponent);
      try {
        const order = { method: request.method ?? 'GET', parts, query, json: parse(body) };
        const answer = await route(sim, traffic, order, response);
        if (answer !== STREAMED)
          reply(
            response,
            answer === NOTHING ? 404 : 200,
            answer === NOTHING ? { error: 'no such control' } : answer,
          );
      } catch (error) {
        reply(response, 400, { error: error instanceof Error ? error.message : String(error) });
      }
    },
  };
}

interface Order {
  method: string;
  parts: string[];
  query: URLSearchParams;
  json: Record<string, unknown>;
}

const STREAMED = Symbol('streamed');
const NOTHING = Symbol('nothing');
const LINES_AT_ONCE = 200;
const ACTIONS_LIMIT = 100_000;

interface Call extends Order {
  sim: Sim;
  traffic: RandomTraffic;
  response: ServerResponse;
  /** The path after the control's name. */
  rest: readonly string[];
}

function route(sim: Sim, traffic: RandomTraffic, order: Order, response: ServerResponse): unknown {
  const [first = '', ...rest] = order.parts;
  const control = ROUTES.get(`${order.method} ${first}`);
  return control === undefined ? NOTHING : control({ ...order, sim, traffic, response, rest });
}

const ROUTES: ReadonlyMap<string, (call: Call) => unknown> = new Map(
  Object.entries<(call: Call) => unknown>({
    'GET ': describe,
    'GET accounts': ({ sim, response }) => stream(response, accountLines(sim)),
    'GET people': ({ sim }) =>
      sim.world.all().map(({ email, sub, aliases }) => ({ email, sub, aliases })),
    'POST accounts': onAccounts,
    'POST clients': ({ sim, json }) => sim.clients.register(json as unknown as ClientOrder),
    'GET consents': ({ sim }) => ({ waiting: sim.consentScripts.list() }),
    'POST consents': ({ sim, json }) => sim.consentScripts.add(json),
    'DELETE consents': ({ sim }) => {
      sim.consentScripts.clear();
      return {};
    },
    'POST act': ({ traffic, json }) => ({
      done: traffic.actAtRandom(wholeNumber(json['count'] ?? 1, ACTIONS_LIMIT)),
    }),
    'POST rate': setRate,
    'GET ledger': ({ sim }) => sim.ledger.snapshot(),
    'DELETE ledger': resetLedger,
    'GET faults': ({ sim }) => ({ faults: sim.faults.list() }),
    'POST faults': ({ sim, json }) => sim.faults.add(json as unknown as FaultOrder),
    'DELETE faults': endFaults,
    'POST clock': advanceClock,
    'POST bodies': ({ sim, json }) => serveBodies(sim, json),
    'GET truth': ({ sim, query, response, rest: [email = ''] }) =>
      stream(response, truthOf(accountOf(sim, email), query)),
    'GET pubsub': ({ sim }) => sim.pubsub.describe(),
    'POST pubsub': ({ sim, json }) => configurePubSub(sim, json),
    'GET delivery': ({ sim }) => sim.delivery.conditions,
    'POST delivery': ({ sim, json }) => sim.delivery.set(json),
    'GET watches': ({ sim }) => ({ gmail: sim.watches.list(), channels: sim.channels.list() }),
    'GET service-account': ({ sim }) => sim.serviceAccount.keyFile(),
    'POST service-account': onServiceAccount,
  }),
);

function describe({ sim, traffic }: Call): unknown {
  return {
    accounts: sim.world.all().length,
    nowMs: sim.clock.nowMs(),
    actionsPerSecond: traffic.perSecond,
    quota: sim.settings.quota,
    controls: CONTROLS,
    options: sim.settings,
    ...MENUS,
  };
}

function onAccounts({ sim, json, rest: [email = '', verb = ''] }: Call): unknown {
  return email === '' ? addAccount(sim, json) : onAccount(sim, accountOf(sim, email), verb, json);
}

function setRate({ traffic, json }: Call): unknown {
  traffic.setRate(Number(json['perSecond']));
  return { perSecond: traffic.perSecond };
}

function onServiceAccount({ sim, json, rest: [verb = ''] }: Call): unknown {
  const { serviceAccount } = sim;
  if (verb === 'key') {
    serviceAccount.replaceKey();
    return serviceAccount.keyFile();
  }
  if (verb !== 'scopes') return NOTHING;
  serviceAccount.allow(scopesOf(json) ?? []);
  return { clientId: serviceAccount.clientId, scopes: serviceAccount.allowedScopes };
}

function resetLedger({ sim }: Call): unknown {
  sim.ledger.reset(sim.clock.nowMs());
  return {};
}

function endFaults({ sim, rest: [id = ''] }: Call): unknown {
  if (id === '') sim.faults.clear();
  else sim.faults.end(Number(id));
  return {};
}

function advanceClock({ sim, json }: Call): unknown {
  sim.clock.advance(Number(json['advanceMs']));
  return { nowMs: sim.clock.nowMs() };
}

function serveBodies(sim: Sim, json: Record<string, unknown>): BodyServing {
  const { settings } = sim;
  const charset = BODY_CHARSETS.find((one) => one === (json['charset'] ?? settings.bodyCharset));
  if (charset === undefined)
    throw new RangeError(`charset must be one of ${BODY_CHARSETS.join(', ')}`);
  settings.inlineBodyBytes = wholeNumber(
    json['inlineBytes'] ?? settings.inlineBodyBytes,
    ALL_INLINE,
  );
  settings.bodyCharset = charset;
  return { bodyCharset: charset, inlineBodyBytes: settings.inlineBodyBytes };
}

function configurePubSub(sim: Sim, json: Record<string, unknown>): unknown {
  const { topics = [], subscriptions = [] } = json;
  if (!Array.isArray(topics) || !Array.isArray(subscriptions))
    throw new RangeError('topics and subscriptions must be lists');
  for (const topic of topics as (string | { name: string; granted?: boolean })[]) {
    if (typeof topic === 'string') sim.pubsub.addTopic(topic);
    else sim.pubsub.addTopic(topic.name, topic.granted ?? true);
  }
  for (const subscription of subscriptions as SubscriptionOrder[])
    sim.pubsub.subscribe(subscription);
  return sim.pubsub.describe();
}

/**
 * Handles an account. `rename`, `delete` and `suspend` are actions of an administrator. `act`
 * performs a user's action, `consent` grants access again after a revocation and returns the new
 * refresh token, and `scopes` changes what the grant allows.
 */
function onAccount(
  sim: Sim,
  account: Account,
  verb: string,
  json: Record<string, unknown>,
): unknown {
  if (verb === 'act')
    return act({ world: sim.world, clock: sim.clock, account }, json as unknown as ActionOrder);
  if (verb === 'consent')
    return {
      email: account.email,
      refreshToken: sim.grants.consent(account.key, scopesOf(json)).refreshToken,
    };
  if (verb === 'rename') return rename(sim, account, json['email']);
  if (verb === 'delete') return remove(sim, account);
  if (verb === 'suspend') {
    const suspended = json['suspended'] ?? true;
    if (typeof suspended !== 'boolean') throw new RangeError('suspended must be true or false');
    sim.grants.suspend(account.key, suspended);
    return { email: account.email, suspended };
  }
  if (verb === 'scopes') return rescope(sim, account, scopesOf(json));
  return NOTHING;
}

function rename(sim: Sim, account: Account, address: unknown): unknown {
  sim.world.rename(account, addressOf(address));
  return { email: account.email, sub: account.sub, aliases: account.aliases };
}

/** Deletes an account: its grants are refused from now on, and its addresses are free. */
function remove(sim: Sim, account: Account): unknown {
  sim.world.remove(account);
  sim.grants.endAll(account.key, 'account-deleted');
  return { email: account.email, sub: account.sub };
}

function addressOf(value: unknown): string {
  if (typeof value !== 'string' || !/^[^\s@]+@[^\s@]+$/.test(value))
    throw new RangeError('email must be an address');
  return value;
}

function rescope(sim: Sim, account: Account, scopes: readonly string[] | undefined): unknown {
  const grant = sim.grants.ofAccount(account.key);
  if (scopes === undefined || grant === null)
    throw new RangeError('scopes must be a list of names');
  grant.scopes = scopes;
  return { email: account.email, scopes };
}

function scopesOf(json: Record<string, unknown>): readonly string[] | undefined {
  const { scopes } = json;
  if (scopes === undefined) return undefined;
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === 'string'))
    throw new RangeError('scopes must be a list of names');
  return scopes.map(fullScope);
}

function addAccount(sim: Sim, json: Record<string, unknown>): unknown {
  const email = addressOf(json['email']);
  const limits = {
    messages: json['messages'],
    calendars: json['calendars'],
    eventsPerCalendar: json['eventsPerCalendar'],
    contacts: json['contacts'],
  };
  const plan = Object.fromEntries(
    Object.entries(limits)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, wholeNumber(value, 1_000_000)]),
  );
  const scopes = scopesOf(json);
  const account = sim.world.addAccount(email, plan);
  return {
    email: account.email,
    refreshToken: sim.grants.consent(account.key, scopes).refreshToken,
  };
}

/** Yields the lines for an import of accounts. */
function* accountLines(sim: Sim): Generator {
  for (const { email, key } of sim.world.all())
    yield { email, refreshToken: sim.grants.ofAccount(key)?.refreshToken };
}

function truthOf(account: Account, query: URLSearchParams): Generator {
  const resource = query.get('resource') ?? 'gmail';
  if (resource === 'gmail') return gmailTruth(account);
  if (resource === 'calendar') return calendarTruth(account);
  if (resource === 'contacts') return contactsTruth(account, Object.fromEntries(query));
  throw new RangeError('resource must be gmail, calendar or contacts');
}

/**
 * Sends NDJSON, a few lines at a time, because exporting 20,000 messages at once would block the
 * APIs.
 */
async function stream(
  response: ServerResponse,
  lines: Iterable<unknown>,
): Promise<typeof STREAMED> {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson; charset=utf-8' });
  let text = '';
  let count = 0;
  for (const line of lines) {
    text += `${JSON.stringify(line)}\n`;
    if (++count % LINES_AT_ONCE !== 0) continue;
    response.write(text);
    text = '';
    await yieldToOthers();
  }
  response.end(text);
  return STREAMED;
}

function accountOf(sim: Sim, email: string): Account {
  const account = sim.world.get(email);
  if (account === null) throw new RangeError('no such account');
  return account;
}

function wholeNumber(value: unknown, limit: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > limit)
    throw new RangeError(`a whole number between 0 and ${limit} is wanted`);
  return value;
}

function parse(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  const json: unknown = JSON.parse(body.toString());
  if (json === null || typeof json !== 'object' || Array.isArray(json))
    throw new RangeError('a JSON object is wanted');
  return json as Record<string, unknown>;
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify(value)}\n`);
}
