/** Texts for times, amounts, collections and states (`@syncline/control/words`). */
import type { AccountView, CollectionView } from '@syncline/store';
import { COLLECTION_WORDS } from './resources/index.js';

/** `850 ms`, `12 s`, `3 min 20 s`, `45 min`, `2 h 5 min`, `4 d 2 h`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 600) return withRemainder(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 24
    ? withRemainder(hours, 'h', minutes % 60, 'min')
    : withRemainder(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** `12 s ago`, `in 3 min`, `never`. */
export function when(at: Date | null, nowMs: number): string {
  if (at === null) return 'never';
  const ms = at.getTime() - nowMs;
  return ms < 0 ? `${duration(-ms)} ago` : `in ${duration(ms)}`;
}

/** `1,234`. */
export function amount(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 message`, `2 messages`. */
export function counted(count: number, noun: string): string {
  return `${amount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/**
 * Returns a collection's name: `mailbox`, `calendar list`, `calendar team@example.com`; the ids of
 * calendars are shortened.
 */
export function nameOf(collection: Pick<CollectionView, 'kind' | 'externalId'>): string {
  return COLLECTION_WORDS[collection.kind].name(collection.externalId);
}

/**
 * Describes what a sweep waits for: `held: a full listing lacked 60 items 2 min ago; nothing is
 * deleted until a second listing, in 40 s`.
 */
export function heldSweepWords(
  held: NonNullable<CollectionView['heldSweep']>,
  nowMs: number,
): string {
  const listing = held.waitsFor === 'new-listing' ? 'it is listed again' : 'a second listing';
  return `held: a full listing lacked ${counted(held.rows, 'item')} ${when(held.since, nowMs)}; nothing is deleted until ${listing}, ${when(held.until, nowMs)}`;
}

/** Returns `active`, or the state with its reason. */
export function stateOf(account: Pick<AccountView, 'state' | 'reason'>): string {
  return account.reason === null ? account.state : `${account.state}: ${account.reason}`;
}

function withRemainder(
  whole: number,
  unit: string,
  remainder: number,
  remainderUnit: string,
): string {
  return remainder === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${remainder} ${remainderUnit}`;
}
