/**
 * The result of the demo: compares every mirror with the simulator's data, and every change feed
 * with the rows.
 */
import type { Store } from '@syncline/store';
import { type Drift, type Keyed, differingFields, driftOf } from './compare.js';
import { againstRows, keyOf } from './fold-feed.js';
import type { Ledger, SimulatedGoogle } from './simulated-google.js';
import { type Watch, type Watched, inOrder } from './watch-accounts.js';

export interface AccountReport {
  email: string;
  messages: number;
  events: number;
  changesApplied: number;
  /** Gmail's units and Calendar's requests together, as the simulator counted them. */
  quotaUnits: number;
  /** From the demo's start to the end of the first full syncs. */
  mirroredAfterMs: number | null;
  drift: Drift;
  /** The differences between the feed and the rows. */
  feed: string[];
  /** For stale items: the fields that differ, for a person. */
  details: string[];
}

export interface Report {
  accounts: AccountReport[];
  totals: {
    accounts: number;
    messages: number;
    events: number;
    changesApplied: number;
    quotaUnits: number;
    quotaViolations: number;
    elapsedMs: number;
  };
  drift: { missing: number; extra: number; stale: number };
  feedProblems: number;
  ok: boolean;
}

const DETAILS_LIMIT = 5;

/** Reads the data of both sides, twice; nothing may change it meanwhile. */
export async function checkMirrors(
  store: Store,
  google: SimulatedGoogle,
  watch: Watch,
  time: { startedMs: number; nowMs: () => number },
): Promise<Report> {
  const ledger = await google.ledger();
  const accounts: AccountReport[] = [];
  for (const watched of inOrder(watch))
    accounts.push(await checkAccount(store, google, watched, ledger, time.startedMs));
  return reportOf(accounts, ledger.violations.total, time.nowMs() - time.startedMs);
}

async function checkAccount(
  store: Store,
  google: SimulatedGoogle,
  watched: Watched,
  ledger: Ledger,
  startedMs: number,
): Promise<AccountReport> {
  const { account, fold } = watched;
  const mirror = await mirrorOf(store, account.id);
  const truth = await truthOf(google, account.email);
  const drift = driftOf(truth, mirror);
  const calendars = (await store.mirror.calendarIds(account.id)).map((id) =>
    keyOf({ entity: 'calendar', id, calendarId: null }),
  );
  const keys = [...mirror.keys()];
  return {
    email: account.email,
    messages: keys.filter((key) => key.startsWith('message ')).length,
    events: keys.filter((key) => key.startsWith('event ')).length,
    changesApplied: watched.applied,
    quotaUnits: ledger.users[account.email]?.units ?? 0,
    mirroredAfterMs: watched.mirroredAtMs === null ? null : watched.mirroredAtMs - startedMs,
    drift,
    // Labels have no export of their own; the fold still checks that their events are consistent.
    feed: againstRows(fold, new Set([...keys, ...calendars]), ['message', 'event', 'calendar']),
    details: drift.stale
      .slice(0, DETAILS_LIMIT)
      .map(
        (key) => `${key} differs in ${differingFields(truth.get(key), mirror.get(key)).join(', ')}`,
      ),
  };
}

async function mirrorOf(store: Store, accountId: string): Promise<Keyed> {
  const items: Keyed = new Map();
  for await (const message of store.mirror.messages(accountId))
    items.set(keyOf({ entity: 'message', id: message.id, calendarId: null }), message);
  for await (const { calendarId, event } of store.mirror.events(accountId))
    items.set(keyOf({ entity: 'event', id: String(event['id']), calendarId }), event);
  return items;
}

async function truthOf(google: SimulatedGoogle, email: string): Promise<Keyed> {
  const items: Keyed = new Map();
  for (const message of (await google.truth(email, 'gmail')) as { id: string }[])
    items.set(keyOf({ entity: 'message', id: message.id, calendarId: null }), message);
  for (const { calendarId, event } of (await google.truth(email, 'calendar')) as {
    calendarId: string;
    event: { id: string };
  }[]) {
    items.set(keyOf({ entity: 'event', id: event.id, calendarId }), event);
  }
  return items;
}

function reportOf(accounts: AccountReport[], quotaViolations: number, elapsedMs: number): Report {
  const sum = (of: (account: AccountReport) => number): number =>
    accounts.reduce((total, account) => total + of(account), 0);
  const drift = {
    missing: sum((a) => a.drift.missing.length),
    extra: sum((a) => a.drift.extra.length),
    stale: sum((a) => a.drift.stale.length),
  };
  const feedProblems = sum((a) => a.feed.length);
  return {
    accounts,
    totals: {
      accounts: accounts.length,
      messages: sum((a) => a.messages),
      events: sum((a) => a.events),
      changesApplied: sum((a) => a.changesApplied),
      quotaUnits: sum((a) => a.quotaUnits),
      quotaViolations,
      elapsedMs,
    },
    drift,
    feedProblems,
    ok: drift.missing + drift.extra + drift.stale + feedProblems + quotaViolations === 0,
  };
}
