import { must, unreachable } from '@syncline/runtime';
import type { CollectionKind } from '@syncline/store';
import type { OracleWorld } from './world.js';

/* What the laws of listings need to know about each kind of collection. */

/** A collection in phase incremental. */
export interface Incremental {
  id: string;
  account_id: string;
  kind: CollectionKind;
  external_id: string;
}

/** The simulator's name of the listing. */
export const LISTING_OF = {
  gmail: 'messages.list',
  'calendar-events': 'events.list',
  'calendar-list': 'calendarList.list',
  'contacts-connections': 'people.connections.list',
  'contacts-other': 'otherContacts.list',
  'contacts-groups': 'contactGroups.list',
} as const satisfies Record<CollectionKind, string>;

/** The rows in the feed that a listing names. */
export const ENTITY_OF: Readonly<Record<CollectionKind, string>> = {
  gmail: 'message',
  'calendar-events': 'event',
  'calendar-list': 'calendar',
  'contacts-connections': 'contact',
  'contacts-other': 'other_contact',
  'contacts-groups': 'contact_group',
};

/** Returns the ids of Google's current items of the collection. */
export function livingIn(
  { simulator }: OracleWorld,
  email: string,
  { kind, external_id: externalId }: Pick<Incremental, 'kind' | 'external_id'>,
): string[] {
  const { shelf, contacts } = must(simulator.world.get(email), 'no such account');
  const idsOf = (items: readonly { id: string }[]): string[] => items.map(({ id }) => id);
  switch (kind) {
    case 'gmail':
      return idsOf(simulator.gmailTruth(email));
    case 'calendar-list':
      return shelf.current().map(({ calendar }) => calendar.id);
    case 'calendar-events':
      return idsOf(
        shelf
          .current()
          .find(({ calendar }) => calendar.id === externalId)
          ?.calendar.current() ?? [],
      );
    case 'contacts-connections':
      return idsOf(contacts.contacts.current());
    case 'contacts-other':
      return idsOf(contacts.others.current());
    case 'contacts-groups':
      return idsOf(contacts.groups.current());
    default:
      return unreachable(kind);
  }
}

/**
 * Returns the number of rows that a full listing of the collection covers: for a calendar list
 * including its events.
 */
export async function mirroredRows(
  { database }: OracleWorld,
  incremental: Incremental,
): Promise<number> {
  const { account_id: accountId, kind, external_id: externalId } = incremental;
  const { rows } = await database.pool.query<{ n: number }>(
    `SELECT (${ROWS[kind]})::int AS n`,
    kind === 'calendar-events' ? [accountId, externalId] : [accountId],
  );
  return rows[0]?.n ?? 0;
}

const countOf = (table: string): string =>
  `(SELECT count(*) FROM syncline.${table} WHERE account_id = $1)`;
const ROWS: Readonly<Record<CollectionKind, string>> = {
  gmail: countOf('gmail_messages'),
  'calendar-events':
    'SELECT count(*) FROM syncline.calendar_events WHERE account_id = $1 AND calendar_id = $2',
  'calendar-list': `${countOf('calendars')} + ${countOf('calendar_events')}`,
  'contacts-connections': countOf('contacts'),
  'contacts-other': countOf('other_contacts'),
  'contacts-groups': countOf('contact_groups'),
};
