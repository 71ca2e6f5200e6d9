import type { Store } from '@syncline/store';
import { cleanText } from '../../packages/store/src/clean-text.js';
import type { SimulatorControl } from './simulator-control.js';

/** The result of comparing every mirror with its source. Names are `email resource id`. */
export interface Drift {
  checked: { messages: number; events: number };
  missing: string[];
  extra: string[];
  /** With the fields that differ. */
  stale: string[];
}

export const NO_DRIFT = { missing: [], extra: [], stale: [] };

/** The part of the store that is read. */
export interface Mirror {
  accounts: { list(): Promise<{ id: string; email: string }[]> };
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
  const drift: Drift = { checked: { messages: 0, events: 0 }, missing: [], extra: [], stale: [] };
  const expected = new Set((await control.accounts()).map((account) => account.email));
  for (const account of await store.accounts.list()) {
    if (!expected.has(account.email)) continue;
    const mails = new Map(
      (await control.truth(account.email, 'gmail'))
        .filter(kept)
        .map((message) => [String(message['id']), message]),
    );
    drift.checked.messages += mails.size;
    await compare(
      drift,
      `${account.email} gmail`,
      mails,
      store.mirror.messages(account.id),
      (message) => message.id,
    );
    const events = new Map(
      (await control.truth(account.email, 'calendar')).map((row) => [eventKey(row), row]),
    );
    drift.checked.events += events.size;
    await compare(
      drift,
      `${account.email} calendar`,
      events,
      store.mirror.events(account.id),
      (row) => `${row.calendarId}/${String(row.event['id'])}`,
    );
  }
  return drift;
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
