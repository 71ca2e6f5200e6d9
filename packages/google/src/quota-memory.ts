/**
 * This process's usage within the window, so that it can be reported after Redis lost its data. All
 * times are Redis's. The memory is bounded: entries that left the window are dropped, and above
 * `ENTRIES_LIMIT` the oldest are. Only a process that charges more than a thousand times a second
 * reaches the limit; it then under-reports its oldest usage.
 */
import { byApi, type Api } from './apis/facts.js';
import { KEEP_MS } from './quota-scripts.js';

const ENTRIES_LIMIT = 100_000;

/** Identifies a window: a user's, or the project's when `user` is null. */
export interface Bucket {
  api: Api;
  user: string | null;
}

interface Entry {
  api: Api;
  user: string;
  slot: number;
  units: number;
  atMs: number;
}

interface Reported extends Bucket {
  /**
   * `atMs` is the time of the charge itself. It shows which entries a Redis that lost only its last
   * second still has.
   */
  entries: [slot: number, units: number, atMs: number][];
  closedUntil: number;
}

export interface SpendMemory {
  spent(charge: Entry, day: string): void;
  /** `moved` is now in another slot than `fromSlot`. */
  moved(moved: Entry, fromSlot: number): void;
  /** The usage of `from` is reported as `to`'s from now on. */
  joined(from: string, to: string): void;
  closed(bucket: Bucket, untilMs: number): void;
  witnesses(seen: [name: string, atMs: number][], nowMs: number): void;
  knownWitnesses(): [name: string, atMs: number][];
  /**
   * Until when Google's refusal keeps a bucket closed, as far as this process knows; 0 when it is
   * not closed.
   */
  closedUntil(bucket: Bucket): number;
  /** Units of this process that count at a time, per API of the project. Called every second. */
  projectSum(api: Api, atMs: number): number;
  /** Units of this process that count at a time, by the bucket's key. */
  sums(atMs: number): Map<string, number>;
  keyOf(bucket: Bucket): string;
  /** Everything that still counts, per bucket; the project's bucket is the sum of its users'. */
  reportableUsage(): Reported[];
  /** Units charged by this process per day key. */
  days(): [day: string, units: number][];
}

export function openSpendMemory(): SpendMemory {
  let entries: Entry[] = [];
  let latestSlot = 0;
  const projects: ProjectSums = byApi(() => new Map());
  const closures = new Map<string, Bucket & { untilMs: number }>();
  const days = new Map<string, number>();
  let witnesses = new Map<string, number>();

  const remember = (entry: Entry): void => {
    entries.push(entry);
    addTo(projects[entry.api], entry.slot, entry.units);
    latestSlot = Math.max(latestSlot, entry.slot);
    if (
      entries.length >= ENTRIES_LIMIT ||
      (entries[0] && entries[0].slot + 2 * KEEP_MS < latestSlot)
    )
      entries = stillCounting(entries, latestSlot);
  };
  return {
    spent: (charge, day) => {
      remember(charge);
      days.set(day, (days.get(day) ?? 0) + charge.units);
      if (days.size > 4) days.delete([...days.keys()].sort()[0] ?? '');
    },
    moved: (moved, fromSlot) => {
      if (takeFrom(entries, moved, fromSlot)) addTo(projects[moved.api], fromSlot, -moved.units);
      remember(moved);
    },
    joined: (from, to) => {
      for (const entry of entries) if (entry.user === from) entry.user = to;
    },
    closed: (bucket, untilMs) => {
      for (const [key, closure] of closures)
        if (closure.untilMs <= latestSlot) closures.delete(key);
      closures.set(keyOf(bucket), { ...bucket, untilMs });
    },
    closedUntil: (bucket) => closures.get(keyOf(bucket))?.untilMs ?? 0,
    projectSum: (api, atMs) => sumOf(projects[api], atMs),
    sums: (atMs) => sumsOf(entries, atMs),
    keyOf,
    witnesses: (seen, nowMs) => {
      witnesses = new Map([...witnesses, ...seen].filter(([, atMs]) => atMs + KEEP_MS > nowMs));
      latestSlot = Math.max(latestSlot, nowMs);
    },
    knownWitnesses: () => [...witnesses],
    reportableUsage: () => byBucket(stillCounting(entries, latestSlot), [...closures.values()]),
    days: () => [...days],
  };
}

/** @returns whether a charge was found to take the units from */
function takeFrom(entries: readonly Entry[], moved: Entry, fromSlot: number): boolean {
  const entry = entries.findLast(
    ({ slot, user, api, units }) =>
      slot === fromSlot && user === moved.user && api === moved.api && units >= moved.units,
  );
  if (entry) entry.units -= moved.units;
  return entry !== undefined;
}

function stillCounting(entries: Entry[], latestSlot: number): Entry[] {
  return entries.filter((entry) => entry.slot + KEEP_MS > latestSlot).slice(-ENTRIES_LIMIT + 1);
}

/**
 * Units by slot, for all users of a project together. A minute has few slots for any number of
 * charges.
 */
type ProjectSums = Record<Api, Map<number, number>>;

function addTo(slots: Map<number, number>, slot: number, units: number): void {
  slots.set(slot, (slots.get(slot) ?? 0) + units);
}

/** Also drops the slots that have left the window. */
function sumOf(slots: Map<number, number>, atMs: number): number {
  let sum = 0;
  for (const [slot, units] of slots) {
    if (counts(slot, atMs)) sum += units;
    else if (slot + 2 * KEEP_MS < atMs) slots.delete(slot);
  }
  return sum;
}

function counts(slot: number, atMs: number): boolean {
  return slot <= atMs && slot + KEEP_MS > atMs;
}

function sumsOf(entries: Entry[], atMs: number): Map<string, number> {
  const sums = new Map<string, number>();
  for (const entry of entries) {
    if (!counts(entry.slot, atMs)) continue;
    const { api, user, units } = entry;
    for (const key of [keyOf({ api, user }), keyOf({ api, user: null })])
      sums.set(key, (sums.get(key) ?? 0) + units);
  }
  return sums;
}

function byBucket(entries: Entry[], closures: (Bucket & { untilMs: number })[]): Reported[] {
  const reported = new Map<string, Reported>();
  const of = (bucket: Bucket): Reported => {
    const line = reported.get(keyOf(bucket)) ?? { ...bucket, entries: [], closedUntil: 0 };
    reported.set(keyOf(bucket), line);
    return line;
  };
  for (const { api, user, slot, units, atMs } of entries) {
    of({ api, user }).entries.push([slot, units, atMs]);
    of({ api, user: null }).entries.push([slot, units, atMs]);
  }
  for (const { api, user, untilMs } of closures) of({ api, user }).closedUntil = untilMs;
  return [...reported.values()];
}

function keyOf({ api, user }: Bucket): string {
  return user === null ? `${api}:project` : `${api}:user:${user}`;
}
