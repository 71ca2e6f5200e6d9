import type { ConnectOutcome } from '@syncline/contract/connect-outcomes';
import type { Consent } from '@syncline/google/consent';
import { connectParts } from './connect-parts.js';
import type { ApiAnswer } from './api-contract.js';
import { startApi, type ApiRequest, type ApiWorld } from './api-world.js';
import { startWorld, type World } from './world.js';

/** The OAuth client of `startWorld`. */
const CLIENT = { id: 'test', secret: 'test' };
const SCOPE = 'https://www.googleapis.com/auth/';
export const SCOPES = { gmail: `${SCOPE}gmail.readonly`, calendar: `${SCOPE}calendar.readonly` };

/** A connect session as the API shows it. */
interface ShownSession {
  id: string;
  url: string;
  accountId: string | null;
  state: string;
  outcome: ConnectOutcome | null;
  problem: { type: string; resources?: string[] } | null;
}

/** People at a simulated Google, and an API with connect pages; no account is connected yet. */
export interface ConnectWorld {
  world: World;
  api: ApiWorld;
  /** A key of every tenant. */
  key: string;
  /** The addresses of the people. */
  people: string[];
  send(method: string, path: string, request?: ApiRequest): Promise<ApiAnswer>;
  /** Makes a connect session; by default of the tenant `acme`. */
  link(body?: object): Promise<ShownSession>;
  session(id: string): Promise<ShownSession>;
  /** Connects a person by a script of the simulator. @returns the account's id */
  connected(email: string, body?: object): Promise<string>;
  rows<Row extends object>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** The outcomes and reasons in the audit log about a session, in order. */
  audit(id: string | null): Promise<string[]>;
  /** The number of accounts and of credentials. */
  stored(): Promise<{ accounts: number; credentials: number }>;
  /** Of the API. */
  consent: Consent;
  /** Registers the OAuth client of the API with other settings. */
  register(more?: object): void;
  close(): Promise<void>;
}

export async function startConnectWorld(seed: number, accounts: number): Promise<ConnectWorld> {
  const world = await startWorld({
    seed,
    accounts,
    messagesPerAccount: 3,
    calendarsPerAccount: 1,
    eventsPerCalendar: 2,
  });
  const rows = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    (await world.database.pool.query<Row>(sql, values)).rows;
  await rows('TRUNCATE syncline.accounts, syncline.identities CASCADE');
  const address = { url: '' };
  const connect = connectParts(address, { apiUrl: world.simulator.url, client: CLIENT });
  const api = await startApi({ on: world, google: world.google, connect });
  address.url = api.origin;
  const key = await api.key();
  const send = (method: string, path: string, request: ApiRequest = {}): Promise<ApiAnswer> =>
    api.send(method, path, { key, ...request });
  const register = (more: object = {}): void =>
    world.simulator.registerClient({
      ...CLIENT,
      name: 'Acme',
      redirectUris: [`${api.origin}/connect/callback`],
      ...more,
    });
  register();
  const link = async (body: object = {}): Promise<ShownSession> => {
    const { status, json } = await send('POST', '/v1/connect-sessions', {
      body: { tenant: 'acme', ...body },
    });
    expect(status).toBe(201);
    return json as ShownSession;
  };
  const session = async (id: string): Promise<ShownSession> =>
    (await send('GET', `/v1/connect-sessions/${id}`)).json as ShownSession;
  return {
    world,
    api,
    key,
    people: world.simulator.accounts().map(({ email }) => email),
    send,
    link,
    session,
    connected: async (email, body) => {
      const made = await link(body);
      world.simulator.scriptConsent({ email });
      const person = new Person();
      await person.visit(await person.toGoogle(made.url));
      const { accountId, outcome } = await session(made.id);
      expect(outcome).toBe('connected');
      return String(accountId);
    },
    rows,
    audit: async (id) =>
      (
        await rows<{ outcome: string; reason: string | null }>(
          'SELECT outcome, reason FROM syncline.audit_log WHERE session IS NOT DISTINCT FROM $1 ORDER BY id',
          [id],
        )
      ).map(({ outcome, reason }) => (reason === null ? outcome : `${outcome}: ${reason}`)),
    stored: async () => {
      const [counts] = await rows<{ accounts: number; credentials: number }>(
        'SELECT (SELECT count(*)::int FROM syncline.accounts) AS accounts, (SELECT count(*)::int FROM syncline.credentials) AS credentials',
      );
      return counts!;
    },
    consent: connect.consent,
    register,
    close: async () => {
      await api.close();
      await connect.consent.close();
      await world.close();
    },
  };
}

interface Visited {
  status: number;
  text: string;
  headers: Headers;
  /** Where it leads; null: nowhere. */
  location: string | null;
}

/** A browser without a window: it keeps cookies, and leads on only when it is told to. */
export class Person {
  readonly cookies = new Map<string, string>();

  async visit(url: string, init: RequestInit = {}): Promise<Visited> {
    const headers = new Headers(init.headers);
    if (this.cookies.size > 0)
      headers.set(
        'cookie',
        [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      );
    const answer = await fetch(url, { redirect: 'manual', ...init, headers });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.cookies.set(name, value);
    }
    return {
      status: answer.status,
      text: await answer.text(),
      headers: answer.headers,
      location: answer.headers.get('location'),
    };
  }

  /** Presses the button of the page. @returns the address of Google's page */
  async begin(url: string): Promise<string> {
    return leadsTo(await this.visit(url, { method: 'POST' }), 303);
  }

  /**
   * Presses the button, and goes through a consent that the simulator's script gives.
   * @returns the address to which Google leads back
   */
  async toGoogle(url: string): Promise<string> {
    return leadsTo(await this.visit(await this.begin(url)), 302);
  }
}

function leadsTo({ status, location, text }: Visited, expected: number): string {
  if (status !== expected || location === null) throw new Error(`answered ${status}: ${text}`);
  return location;
}
