import { Redis } from 'ioredis';
import type { FleetWorld } from './fleet-world.js';

/**
 * Few items, and a quota that never delays them: the tests concern the Redis between the processes.
 */
export const SMALL = {
  accounts: 1,
  messagesPerAccount: 40,
  calendarsPerAccount: 1,
  eventsPerCalendar: 10,
  quota: { scale: 100 },
} as const;

/** The quota of `SMALL` for the engine. */
export const ROOMY = {
  GMAIL_UNITS_PER_USER_MINUTE: '600000',
  GMAIL_UNITS_PER_PROJECT_MINUTE: '120000000',
  CALENDAR_REQUESTS_PER_USER_MINUTE: '60000',
  CALENDAR_REQUESTS_PER_PROJECT_MINUTE: '1000000',
  PEOPLE_REQUESTS_PER_USER_MINUTE: '9000',
};

/** Imports every simulated account. */
export async function importAll(world: FleetWorld): Promise<void> {
  const lines = await world.control.accounts();
  expect(await world.import(lines)).toMatchObject({ code: 0 });
}

/** Waits until every collection was synced by a run that began after this call, and compares every mirror with Google. */
export async function expectMirrored(world: FleetWorld): Promise<void> {
  await succeeds(world, 'wait', '--timeout', '120');
  for (const { email } of await world.control.accounts()) await succeeds(world, 'verify', email);
}

async function succeeds(world: FleetWorld, ...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await world.cli(...args);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
}

/** Returns the keys of these servers. */
export async function keysOf(...urls: string[]): Promise<string[]> {
  const found = await Promise.all(urls.map((url) => withClient(url, (client) => client.keys('*'))));
  return found.flat();
}

export async function withClient<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}
