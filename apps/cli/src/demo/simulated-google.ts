/**
 * The simulator's control interface beside Google's own API: its accounts, its users' actions, and
 * its data.
 */
import { OperatorError } from '@syncline/runtime';
import { RESOURCE_NAMES, type Resource } from '@syncline/store';
import type { PersonSizes } from './environment.js';

/** The simulator's own counters. */
export interface Ledger {
  users: Record<string, { calls: number; units: number; violations: number }>;
  violations: { total: number; recent: { method: string; email: string; kind: string }[] };
}

export interface SimulatedGoogle {
  readonly url: string;
  /** Returns the accounts as NDJSON, in the format of `accounts import`, with every resource. */
  accounts(): Promise<Buffer>;
  /** Adds a person, who has consented to nothing yet. */
  addPerson(person: { email: string } & PersonSizes): Promise<void>;
  /** Sets the total rate of the users' actions per second; 0 stops them. */
  setRate(perSecond: number): Promise<void>;
  /**
   * Pushes notifications of mailboxes to `address` from now on, with a token of `serviceAccount`,
   * for each watch with this topic.
   */
  notifyAt(address: string, topic: string, serviceAccount: string): Promise<void>;
  /** Registers the OAuth client with which people connect their accounts. */
  registerClient(client: {
    id: string;
    secret: string;
    name: string;
    redirectUris: readonly string[];
  }): Promise<void>;
  ledger(): Promise<Ledger>;
  /** Returns every item of an account as a correct mirror exports it, sorted by id. */
  truth(email: string, resource: Resource): Promise<object[]>;
}

/** Writing the data of a large mailbox takes seconds. */
const TIMEOUT_MS = 60_000;

/** Returns the interface of the simulator that listens at `url`. */
export function simulatedGoogle(url: string): SimulatedGoogle {
  return {
    url,
    accounts: async () => {
      const accounts = await linesOf(await ask(url, '/sim/accounts'));
      const lines = accounts.map((one) => JSON.stringify({ ...one, resources: RESOURCE_NAMES }));
      return Buffer.from(lines.join('\n'));
    },
    addPerson: async (person) => {
      await (
        await ask(url, '/sim/accounts', { method: 'POST', body: JSON.stringify(person) })
      ).arrayBuffer();
    },
    setRate: async (perSecond) => {
      await (
        await ask(url, '/sim/rate', { method: 'POST', body: JSON.stringify({ perSecond }) })
      ).arrayBuffer();
    },
    notifyAt: async (pushEndpoint, topic, serviceAccountEmail) => {
      const subscription = {
        name: topic.replace('/topics/', '/subscriptions/'),
        topic,
        pushEndpoint,
        serviceAccountEmail,
      };
      await (
        await ask(url, '/sim/pubsub', {
          method: 'POST',
          body: JSON.stringify({ subscriptions: [subscription] }),
        })
      ).arrayBuffer();
    },
    registerClient: async (client) => {
      await (
        await ask(url, '/sim/clients', { method: 'POST', body: JSON.stringify(client) })
      ).arrayBuffer();
    },
    ledger: async () => (await (await ask(url, '/sim/ledger')).json()) as Ledger,
    truth: async (email, resource) =>
      linesOf(await ask(url, `/sim/truth/${encodeURIComponent(email)}?resource=${resource}`)),
  };
}

async function linesOf(answer: Response): Promise<object[]> {
  return (await answer.text())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as object);
}

/**
 * Returns the URL of the line `{"url":…}` that the simulator's process prints when it listens, or
 * null for any other line.
 */
export function urlIn(line: string): string | null {
  if (!line.startsWith('{"url"')) return null;
  const { url } = JSON.parse(line) as { url?: unknown };
  return typeof url === 'string' ? url : null;
}

async function ask(url: string, path: string, init: RequestInit = {}): Promise<Response> {
  const answer = await fetch(new URL(path, url), {
    ...init,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok)
    throw new OperatorError(
      `The simulator answered ${answer.status} to ${path.split('?')[0]}: ${await answer.text()}`,
    );
  return answer;
}
