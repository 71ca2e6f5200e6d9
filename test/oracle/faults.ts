import type { CallFault, FaultOrder } from '@syncline/simulator';
import type { Chance } from './chance.js';

/*
 * The simulator's faults that the oracle can use: transient faults, and those that last until the
 * next attempt. Faults that no client can recognize are left out. Rotated refresh tokens are left out too: a worker that crashes
 * before it has stored the new token loses the grant, and no client can prevent that.
 */

const REFUSALS: readonly CallFault[] = [
  '403-user-rate',
  '429-retry-after',
  '429-concurrent',
  '429-exhausted',
  '403-calendar-usage',
  '403-daily-limit',
  '401',
];
const BREAKAGES: readonly CallFault[] = [
  '500',
  '503',
  '503-html',
  '502-html',
  '200-html',
  'reset',
  'latency',
];
const DAMAGES: readonly CallFault[] = [
  'truncated-body',
  'malformed-json',
  'empty-200',
  'wrong-charset',
  'gzip-cut',
  'slow-body',
  'half-then-reset',
];
const PAGES: readonly CallFault[] = ['overlapping-pages', '400-page-token'];
/**
 * Faults that only a person can end: the collection is parked, or the account waits, with the
 * reason.
 */
const PAUSES: readonly CallFault[] = [
  '403-insufficient-scope',
  '403-domain-policy',
  '403-api-disabled',
];
const TOKEN: readonly CallFault[] = [
  '500',
  '503-html',
  'reset',
  'latency',
  'truncated-body',
  'malformed-json',
  'empty-200',
  'token-429',
  'token-503',
  'token-invalid-client',
  'token-unauthorized-client',
  'token-admin-policy',
];

const METHODS = [
  undefined,
  'batch',
  'messages.get',
  'threads.get',
  'messages.list',
  'history.list',
  'events.list',
  'calendarList.list',
  'getProfile',
  'labels.list',
  'people.connections.list',
  'otherContacts.list',
  'contactGroups.list',
];
const CONTACTS = ['people.connections.list', 'otherContacts.list', 'contactGroups.list'];
const PAGED = ['messages.list', 'history.list', 'events.list', 'calendarList.list', ...CONTACTS];

/** Draws a fault of the next calls. */
export function drawFault(chance: Chance): FaultOrder {
  const bounds = { count: chance.between(1, 6), probability: chance.pick([1, 0.5]) };
  switch (
    chance.weighted<'passing' | 'damage' | 'pages' | 'pause' | 'token' | 'lost' | 'contacts'>([
      ['passing', 8],
      ['damage', 3],
      ['pages', 3],
      ['pause', 3],
      ['token', 5],
      ['lost', 1],
      ['contacts', 2],
    ])
  ) {
    case 'passing':
      return {
        ...bounds,
        ...at(chance.pick(METHODS)),
        ...timed(chance.pick([...REFUSALS, ...BREAKAGES])),
      };
    case 'damage':
      return { ...bounds, ...at(chance.pick(METHODS)), ...timed(chance.pick(DAMAGES)) };
    case 'pages':
      return { ...bounds, method: chance.pick(PAGED), kind: chance.pick(PAGES) };
    case 'pause':
      return chance.happens(0.35)
        ? { method: 'getProfile', kind: '400-mail-not-enabled', count: 1 }
        : {
            method: chance.pick(['getProfile', ...PAGED]),
            kind: chance.pick(PAUSES),
            count: chance.between(1, 3),
          };
    case 'token':
      return { ...bounds, method: 'token', ...timed(chance.pick(TOKEN)) };
    case 'lost':
      return {
        method: chance.pick([
          'history.list',
          'events.list',
          'calendarList.list',
          'labels.list',
          ...CONTACTS,
        ]),
        kind: '404',
        count: 1,
      };
    case 'contacts':
      return {
        method: chance.pick(CONTACTS),
        kind: chance.pick(['429-full-sync', '400-expired-sync-token']),
        count: chance.between(1, 2),
      };
  }
}

function at(method: string | undefined): { method?: string } {
  return method === undefined ? {} : { method };
}

/**
 * Adds the delay of a fault. Delays are real, and therefore short; the times in refusals pass with
 * the simulator's clock.
 */
function timed(kind: CallFault): { kind: CallFault; ms: number } {
  return { kind, ms: kind === 'latency' || kind === 'slow-body' ? 2 : 1_000 };
}
