import type { CollectionModule, ResourceModule, WatchModule } from '../resource.js';
import { parseSyncTokenCursor } from '../sync-token/cursor.js';
import { positionOf, type SyncTokenSource } from '../sync-token/source.js';
import { syncTokenStep } from '../sync-token/step.js';
import { askForContacts, askForGroups, askForOtherContacts } from './ask.js';
import { auditList } from './audit.js';
import {
  CONNECTIONS_LIST,
  CONTACT_GROUPS_LIST,
  OTHER_CONTACTS_LIST,
  type ContactList,
} from './lists.js';
import { CONNECTIONS_SOURCE, CONTACT_GROUPS_SOURCE, OTHER_CONTACTS_SOURCE } from './sources.js';
import { verifyContacts } from './verify.js';

export const CONTACTS: ResourceModule = {
  probe: async (account) =>
    void (await account.people.contactGroups({ syncToken: null, pageToken: null })),
  compare: (_rt, comparison) => verifyContacts(comparison),
  comparesAlone: false,
  // A full sync costs a request for every 1,000 people, and writes only what differs.
  refetch: async (store, accountId) =>
    void (await store.schedule.requestSync([accountId], {
      resource: 'contacts',
      full: true,
      isRepair: true,
    })),
};

/** Google sends no notifications of contacts, so there is nothing to begin or to end. */
const NO_WATCH: WatchModule = {
  begin: () => Promise.resolve('waiting'),
  end: () => Promise.resolve(),
  endSuperseded: () => Promise.resolve(),
};

export const CONNECTIONS = moduleOf(CONNECTIONS_SOURCE, CONNECTIONS_LIST, askForContacts);
export const OTHER_CONTACTS = moduleOf(
  OTHER_CONTACTS_SOURCE,
  OTHER_CONTACTS_LIST,
  askForOtherContacts,
);
export const CONTACT_GROUPS = moduleOf(CONTACT_GROUPS_SOURCE, CONTACT_GROUPS_LIST, askForGroups);

function moduleOf(
  source: SyncTokenSource,
  list: ContactList,
  ask: CollectionModule['ask'],
): CollectionModule {
  return {
    parseCursor: parseSyncTokenCursor,
    step: (context, cursor) => syncTokenStep(source, context, parseSyncTokenCursor(cursor)),
    position: positionOf(source),
    namedBy: (delta) =>
      delta.kind !== 'none' && 'rows' in delta ? delta.rows.map(({ id }) => id) : [],
    ask,
    audit: (context, cursor) => auditList(context, cursor, list),
    watch: NO_WATCH,
  };
}
