/** What the demo asks of the simulator beside Google's own API: its accounts, its users' actions, and the truth. */
import { OperatorError } from '@syncline/runtime';

/** What the simulator counted, on its side of the wire. */
export interface Ledger {
  users: Record<string, { calls: number; units: number; violations: number }>;
  project: { gmailUnits: number; calendarRequests: number };
  violations: { total: number; recent: { method: string; email: string; kind: string }[] };
}

export interface SimulatedGoogle {
  readonly url: string;
  /** The accounts as NDJSON, the way `accounts import` takes them. */
  accounts(): Promise<Buffer>;
  /** How many things its users do, a second, all together; 0 stops them. */
  setRate(perSecond: number): Promise<void>;
  /** From now on what happens in a mailbox is pushed to `address`, with a token of `serviceAccount`, to whoever watches it with this topic. */
  notifyAt(address: string, topic: string, serviceAccount: string): Promise<void>;
  ledger(): Promise<Ledger>;
  /** Every item of an account as a perfect mirror would export it, sorted by id. */
  truth(email: string, resource: 'gmail' | 'calendar'): Promise<unknown[]>;
}

/** The truth of a big mailbox takes seconds to write. */
const TIMEOUT_MS = 60_000;

/** The simulator that listens at `url`. */
export function simulatedGoogle(url: string): SimulatedGoogle {
  return {
    url,
    accounts: async () => Buffer.from(await (await ask(url, '/sim/accounts')).arrayBuffer()),
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
    ledger: async () => (await (await ask(url, '/sim/ledger')).json()) as Ledger,
    truth: async (email, resource) => {
      const text = await (
        await ask(url, `/sim/truth/${encodeURIComponent(email)}?resource=${resource}`)
      ).text();
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as unknown);
    },
  };
}

/** The `{"url":…}` that the simulator's process prints when it listens, or null for any other line. */
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
