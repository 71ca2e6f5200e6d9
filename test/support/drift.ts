import type { Store } from '@syncline/store';
import { cleanText } from '../../packages/store/src/clean-text.js';
import type { SimulatorControl } from './simulator-control.js';

/** The result of comparing every mirror with its source. Names are `email resource id`. */
export interface Drift {
  checked: { messages: number; events: number; contacts: number };
  missing: string[];
  extra: string[];
  /** With the fields that differ. */
  stale: string[];
}

export const NO_DRIFT = { missing: [], extra: [], stale: [] };

/** The part of the store that is read. */
export interface Mirror {
  accounts: { list(): Promise<{ id: string; email: string; collections: { kind: string }[] }[]> };
  mirror: Store['mirror'];
}

/**
 * Compares the mirror's export with the simulator's data, field by field.
 * @param kept which messages the mirror should hold; default all
 */
export async function driftOf(
  store: Mirror,
  control: Pick<SimulatorControl, 'accounts' | 'truth'>,
  kept: (message: Record<string, unknown>) => boolean = () => true,
): Promise<Drift> {
  const drift: Drift = {
    checked: { messages: 0, events: 0, contacts: 0 },
    missing: [],
    extra: [],
    stale: [],
  };
  const expected = new Set((await control.accounts()).map((account) => account.email));
  for (const account of await store.accounts.list()) {
    if (!expected.has(account.email)) continue;
    const mirrored = new Set(account.collections.map(({ kind }) => kind.split('-')[0]));
    if (mirrored.has('gmail')) await compareMail(drift, store, control, account, kept);
    if (mirrored.has('calendar')) await compareCalendars(drift, store, control, account);
    if (mirrored.has('contacts')) await compareContacts(drift, store, control, account);
  }
  return drift;
}

type Truth = Pick<SimulatorControl, 'truth'>;
type Account = { id: string; email: string };

async function compareMail(
  drift: Drift,
  store: Mirror,
  control: Truth,
  { id, email }: Account,
  kept: (message: Record<string, unknown>) => boolean,
): Promise<void> {
  const mails = new Map(
    (await control.truth(email, 'gmail'))
      .filter(kept)
      .map((message) => [String(message['id']), message]),
  );
  drift.checked.messages += mails.size;
  const rows = store.mirror.messages(id);
  await compare(drift, `${email} gmail`, mails, rows, (message) => message.id);
}

async function compareCalendars(
  drift: Drift,
  store: Mirror,
  control: Truth,
  { id, email }: Account,
): Promise<void> {
  const events = new Map(
    (await control.truth(email, 'calendar')).map((row) => [eventKey(row), row]),
  );
  drift.checked.events += events.size;
  await compare(
    drift,
    `${email} calendar`,
    events,
    store.mirror.events(id),
    (row) => `${row.calendarId}/${String(row.event['id'])}`,
  );
}

async function compareContacts(
  drift: Drift,
  store: Mirror,
  control: Truth,
  { id, email }: Account,
): Promise<void> {
  const nameOf = (row: object): string =>
    String((row as { resource: Record<string, unknown> }).resource['resourceName']);
  const contacts = new Map(
    (await control.truth(email, 'contacts')).map((row) => [nameOf(row), row]),
  );
  drift.checked.contacts += contacts.size;
  await compare(
    drift,
    `${email} contacts`,
    contacts,
    store.mirror.documents(id, 'contacts'),
    nameOf,
  );
}

function eventKey(row: Record<string, unknown>): string {
  return `${String(row['calendarId'])}/${(row['event'] as { id: string }).id}`;
}

async function compare<Row extends object>(
  drift: Drift,
  where: string,
  source: Map<string, Record<string, unknown>>,
  mirror: AsyncIterable<Row>,
  keyOf: (row: Row) => string,
): Promise<void> {
  for await (const row of mirror) {
    const key = keyOf(row);
    const there = source.get(key);
    source.delete(key);
    if (!there) drift.extra.push(`${where} ${key}`);
    else {
      const fields = differing(there, row as Record<string, unknown>);
      if (fields.length > 0) drift.stale.push(`${where} ${key}: ${fields.join('; ')}`);
    }
  }
  for (const key of source.keys()) drift.missing.push(`${where} ${key}`);
}

/** Returns the fields that differ, each with both values shortened. */
function differing(there: Record<string, unknown>, here: Record<string, unknown>): string[] {
  const names = new Set([...Object.keys(there), ...Object.keys(here)]);
  return [...names]
    .filter((name) => canonical(there[name]) !== canonical(here[name]))
    .map((name) => `${name} ${excerpt(canonical(there[name]), canonical(here[name]))}`);
}

function excerpt(there: string, here: string): string {
  let at = 0;
  while (at < there.length && there[at] === here[at]) at++;
  const from = Math.max(0, at - 20);
  return `source …${there.slice(from, from + 80)}… mirror …${here.slice(from, from + 80)}…`;
}

/**
 * Returns JSON with sorted keys, without the two things that Postgres cannot hold, which the mirror
 * removes in the same way.
 */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) => {
      if (typeof inner === 'string') return cleanText(inner);
      return inner !== null && typeof inner === 'object' && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner;
    }) ?? 'absent'
  );
}
