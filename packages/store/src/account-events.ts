/** What happened to accounts: transitions, which triggers of the database write (decision 0220). */
import type pg from 'pg';
import type { CollectionKind } from './mirrors/resources.js';

/** What happened to one account. The list of the values is compared with the triggers by a test. */
export const ACCOUNT_EVENT_KINDS = [
  'account_connected',
  'account_state_changed',
  'grant_replaced',
  'address_changed',
  'resources_changed',
  'full_sync_requested',
  'full_sync_started',
  'full_sync_finished',
  'repair_requested',
  'collection_parked',
  'collection_resumed',
  'collection_gone',
  'collection_returned',
  'errors_started',
  'errors_stopped',
  'audit_finished',
  'items_quarantined',
] as const;

/** What happened to many accounts at once. */
export const FLEET_EVENT_KINDS = [
  'widespread_errors_started',
  'widespread_errors_stopped',
  'project_refused',
  'project_accepted',
] as const;

export type AccountEventKind =
  (typeof ACCOUNT_EVENT_KINDS)[number] | (typeof FLEET_EVENT_KINDS)[number];

/** Fields of an event; which of them it has depends on its kind. */
interface AccountEventDetail {
  /** State or resources before and after. */
  from?: string | string[];
  to?: string | string[];
  /** A machine-readable cause. */
  code?: string;
  /** The cause for a person, with Google's words. */
  reason?: string;
  resources?: string[];
  /** Number of items that a full sync has stored, or that were quarantined. */
  items?: number;
  /** Duration of a full sync. */
  seconds?: number;
  /** Failed runs in a row. */
  failures?: number;
  /** Number of items that an audit compared, and of those that differed. */
  compared?: number;
  different?: number;
  /** The refused part of the Google project. */
  part?: string;
}

export interface AccountEvent {
  /** Rises in the order in which the events were written. */
  id: bigint;
  at: Date;
  kind: AccountEventKind;
  /** Null: the account itself, or the fleet. */
  collection: { id: string; kind: CollectionKind | null; externalId: string | null } | null;
  /** `command NAME` or `key ID`; null: Syncline itself. */
  actor: string | null;
  detail: AccountEventDetail;
}

export interface AccountEvents {
  /**
   * Returns the account's events, and those of the fleet that concern it, newest first.
   * @param o.before the id of the last event of the page before; null: the newest
   */
  page(o: { accountId: string; before: bigint | null; limit: number }): Promise<AccountEvent[]>;
}

export function accountEventsIn(pool: pg.Pool): AccountEvents {
  return { page: (o) => eventsPage(pool, o) };
}

async function eventsPage(
  pool: pg.Pool,
  { accountId, before, limit }: { accountId: string; before: bigint | null; limit: number },
): Promise<AccountEvent[]> {
  const { rows } = await pool.query<EventRow>({
    name: 'account-events',
    text: `SELECT e.id, e.at, e.kind, e.collection_id AS "collectionId", c.kind AS "collectionKind", c.external_id AS "externalId", e.actor, e.detail
             FROM ((SELECT id, at, kind, collection_id, actor, detail FROM syncline.account_events
                     WHERE account_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3)
                   UNION ALL
                   (SELECT f.id, f.at, f.kind, NULL, NULL, f.detail FROM syncline.fleet_events f JOIN syncline.accounts a ON a.id = $1
                     WHERE ($2::bigint IS NULL OR f.id < $2) AND (f.project IS NULL OR f.project = a.project) AND f.at >= a.created_at ORDER BY f.id DESC LIMIT $3)) AS e
             LEFT JOIN syncline.collections c ON c.account_id = $1 AND c.id = e.collection_id
            ORDER BY e.id DESC LIMIT $3`,
    values: [accountId, before === null ? null : String(before), limit],
  });
  return rows.map(({ id, at, kind, collectionId, collectionKind, externalId, actor, detail }) => ({
    id: BigInt(id),
    at,
    kind,
    collection:
      collectionId === null ? null : { id: collectionId, kind: collectionKind, externalId },
    actor,
    detail,
  }));
}

interface EventRow extends Pick<AccountEvent, 'at' | 'kind' | 'actor' | 'detail'> {
  id: string;
  collectionId: string | null;
  /** Null: the collection does not exist any more. */
  collectionKind: CollectionKind | null;
  externalId: string | null;
}
