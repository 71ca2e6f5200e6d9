import { DEFAULT_PROJECT } from '@syncline/runtime';
import type { CollectionKind, HeldWatch } from '@syncline/store';
import { COLLECTION_FACTS } from '../resources/facts.js';
import { DAY_MS, renewInMs } from './schedule.js';

/** Where Google is to ring; null where it is not. */
export interface WatchTargets {
  /** `projects/P/topics/T`, of the Google project `default`: Gmail takes no topic of another project than the account's client is of. */
  topic: string | null;
  /** The topics of further projects, by name; mailboxes of one without are polled. */
  projectTopics?: Readonly<Record<string, string>>;
  /** What channels post to. */
  channelAddress: string | null;
}

export function targetOf(
  { kind, project }: { kind: CollectionKind; project: string },
  targets: WatchTargets | undefined,
): string | null {
  if (COLLECTION_FACTS[kind].watch.via === 'channel') return targets?.channelAddress ?? null;
  if (project === DEFAULT_PROJECT) return targets?.topic ?? null;
  const topics = targets?.projectTopics ?? {};
  return Object.hasOwn(topics, project) ? (topics[project] ?? null) : null;
}

/** What looking after a watch comes to. */
export type Step =
  | { kind: 'waiting'; state: HeldWatch['state']; nextInMs: number }
  /** Nobody is to be notified: the watch is stopped at Google. */
  | { kind: 'stop' }
  | { kind: 'watch'; target: string; forSilence: boolean };

/** Pure. @param target where Google is to ring by the configuration of now */
export function stepOf(held: HeldWatch, target: string | null): Step {
  if (!held.callable) return { kind: 'waiting', state: held.state, nextInMs: DAY_MS };
  if (!held.active || target === null)
    return isOnAtGoogle(held)
      ? { kind: 'stop' }
      : { kind: 'waiting', state: 'off', nextInMs: DAY_MS };
  const renewal = renewalInMs(held);
  const inForce = held.state === 'on' && held.target === target && renewal > 0;
  if (inForce && !held.silent && !hasOldKey(held))
    return { kind: 'waiting', state: 'on', nextInMs: renewal };
  return { kind: 'watch', target, forSilence: inForce && held.silent };
}

/** Notifications of such a channel are accepted only while the old master key is configured. */
function hasOldKey({ channels }: HeldWatch): boolean {
  return channels.some(({ isOldKey, superseded, expired }) => isOldKey && !superseded && !expired);
}

/** Until the watch in force is to be renewed; 0 or less when that is now. */
function renewalInMs(held: HeldWatch): number {
  if (held.watchedAgoMs === null || held.expiresInMs === null) return 0;
  return renewInMs(held.collectionId, held.watchedAgoMs + held.expiresInMs) - held.watchedAgoMs;
}

/** A call that ended without an answer may have been heard: a mailbox that was ever asked for is taken to ring until it was stopped. */
export function isOnAtGoogle(held: HeldWatch): boolean {
  if (held.state === 'off') return false;
  return COLLECTION_FACTS[held.kind].watch.via === 'topic'
    ? held.address !== null
    : held.channels.length > 0;
}
