/**
 * The result of the demo: compares every mirror with the simulator's data, and every change feed
 * with the rows.
 */
import { calendarIds } from '@syncline/control/calendar/list';
import { exportMirror } from '@syncline/control/mirror';
import { RESOURCE_NAMES, type AccountView, type Store } from '@syncline/store';
import { type Drift, type Keyed, differingFields, driftOf } from './compare.js';
import { differencesFromRows, keyOf } from './fold-feed.js';
import { DEMO_RESOURCES, type DemoResource } from './resources.js';
import type { Ledger, SimulatedGoogle } from './simulated-google.js';
import { type Watch, type Watched, inOrder } from './watch-accounts.js';

/** Numbers of mirrored items by their names in a report. */
export type Counts = Record<DemoResource['counted'], number>;

export interface AccountReport extends Counts {
  email: string;
  changesApplied: number;
  /** Gmail's units and the requests of the other APIs together, as the simulator counted them. */
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
  totals: Counts & {
    accounts: number;
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
  const mirror = await mirrorOf(store, account);
  const truth = await truthOf(google, account.email);
  const drift = driftOf(truth, mirror);
  const calendars = (await calendarIds({ store }, account)).map((id) =>
    keyOf({ entity: 'calendar', id, calendarId: null }),
  );
  const keys = [...mirror.keys()];
  return {
    email: account.email,
    ...countsOf(keys),
    changesApplied: watched.applied,
    quotaUnits: ledger.users[account.email]?.units ?? 0,
    mirroredAfterMs: watched.mirroredAtMs === null ? null : watched.mirroredAtMs - startedMs,
    drift,
    // Labels have no export of their own; the fold still checks that their events are consistent.
    feed: differencesFromRows(fold, new Set([...keys, ...calendars]), [...EXPORTED, 'calendar']),
    details: drift.stale
      .slice(0, DETAILS_LIMIT)
      .map(
        (key) => `${key} differs in ${differingFields(truth.get(key), mirror.get(key)).join(', ')}`,
      ),
  };
}

async function mirrorOf(store: Store, account: AccountView): Promise<Keyed> {
  const items: Keyed = new Map();
  for (const resource of RESOURCE_NAMES)
    for await (const item of exportMirror({ store }, account, resource))
      items.set(DEMO_RESOURCES[resource].keyOf(item), item);
  return items;
}

/** The simulator returns its data in the form in which the mirror is exported. */
async function truthOf(google: SimulatedGoogle, email: string): Promise<Keyed> {
  const items: Keyed = new Map();
  for (const resource of RESOURCE_NAMES)
    for (const item of await google.truth(email, resource))
      items.set(DEMO_RESOURCES[resource].keyOf(item), item);
  return items;
}

const EXPORTED = RESOURCE_NAMES.flatMap((resource) => DEMO_RESOURCES[resource].entities);

function countsOf(keys: readonly string[]): Counts {
  return byCounted(
    ({ entities }) =>
      keys.filter((key) => entities.some((entity) => key.startsWith(`${entity} `))).length,
  );
}

function byCounted(numberOf: (resource: DemoResource) => number): Counts {
  const entries = Object.values(DEMO_RESOURCES).map((one) => [one.counted, numberOf(one)]);
  return Object.fromEntries(entries) as Counts;
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
      ...byCounted(({ counted }) => sum((account) => account[counted])),
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
