import type { ChangeEvent, Resource } from '@syncline/store';
import { keyOf } from './fold-feed.js';

/* The registry of what the demo needs to know about each resource. */

export interface DemoResource {
  /** The scopes that the simulated users consent to. */
  scopes: readonly string[];
  /** What the report counts of it. */
  counted: 'messages' | 'events' | 'contacts';
  /** The entities of its export. */
  entities: readonly ChangeEvent['entity'][];
  /** Returns the key of an exported document, as `keyOf` gives it for its row. */
  keyOf(document: object): string;
}

export const DEMO_RESOURCES: Readonly<Record<Resource, DemoResource>> = {
  gmail: {
    scopes: ['gmail.readonly'],
    counted: 'messages',
    entities: ['message'],
    keyOf: (document) => {
      const { id } = document as { id: string };
      return keyOf({ entity: 'message', id, calendarId: null });
    },
  },
  calendar: {
    scopes: ['calendar.readonly'],
    counted: 'events',
    entities: ['event'],
    keyOf: (document) => {
      const { calendarId, event } = document as { calendarId: string; event: { id: string } };
      return keyOf({ entity: 'event', id: event.id, calendarId });
    },
  },
  contacts: {
    scopes: ['contacts.readonly', 'contacts.other.readonly'],
    counted: 'contacts',
    entities: ['contact', 'other_contact', 'contact_group'],
    keyOf: (document) => {
      const { kind, resource } = document as {
        kind: keyof typeof CONTACT_ENTITIES;
        resource: { resourceName: string };
      };
      return keyOf({
        entity: CONTACT_ENTITIES[kind],
        id: resource.resourceName,
        calendarId: null,
      });
    },
  },
};

const CONTACT_ENTITIES = {
  person: 'contact',
  other: 'other_contact',
  group: 'contact_group',
} as const;
