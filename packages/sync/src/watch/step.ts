import { DEFAULT_PROJECT } from '@syncline/runtime';
import type { CollectionKind, HeldWatch } from '@syncline/store';
import { COLLECTION_FACTS } from '../resources/facts.js';
import { DAY_MS, renewInMs } from './schedule.js';

/** Where Google sends notifications; null: it sends none. */
export interface WatchTargets {
  /**
   * `projects/P/topics/T`, for the Google project `default`: Gmail accepts only topics of the
   * project to which the account's client belongs.
   */
  topic: string | null;
  /** The topics of further projects, by name; mailboxes of a project without a topic are polled. */
  projectTopics?: Readonly<Record<string, string>>;
  /** The address to which channels post. */
  channelAddress: string | null;
}

export function targetOf(
  { kind, project }: { kind: CollectionKind; project: string },
  targets: WatchTargets | undefined,
): string | null {
  const { via } = COLLECTION_FACTS[kind].watch;
  if (via === null) return null;
  if (via === 'channel') return targets?.channelAddress ?? null;
  if (project === DEFAULT_PROJECT) return targets?.topic ?? null;
  const topics = targets?.projectTopics ?? {};
  return Object.hasOwn(topics, project) ? (topics[project] ?? null) : null;
}

/** The next action for a watch. */
export type Step =
  | { kind: 'waiting'; state: HeldWatch['state']; nextInMs: number }
  /** No notifications are wanted: the watch is stopped at Google. */
  | { kind: 'stop' }
  | { kind: 'watch'; target: string; forSilence: boolean };

/**
 * Pure.
 * @param target where Google is to send notifications, by the current configuration
 */
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

/**
 * Whether the channel uses the old master key: its notifications are accepted only while that key
 * is configured.
 */
function hasOldKey({ channels }: HeldWatch): boolean {
  return channels.some(({ isOldKey, superseded, expired }) => isOldKey && !superseded && !expired);
}

/** Returns the time until the current watch is to be renewed; 0 or less when it is due. */
function renewalInMs(held: HeldWatch): number {
  if (held.watchedAgoMs === null || held.expiresInMs === null) return 0;
  return renewInMs(held.collectionId, held.watchedAgoMs + held.expiresInMs) - held.watchedAgoMs;
}

/**
 * Whether Google may be sending notifications. A call without a response may have succeeded, so a
 * mailbox's watch that was ever requested counts as active until it is stopped.
 */
export function isOnAtGoogle(held: HeldWatch): boolean {
  if (held.state === 'off') return false;
  return COLLECTION_FACTS[held.kind].watch.via === 'topic'
    ? held.address !== null
    : held.channels.length > 0;
}
