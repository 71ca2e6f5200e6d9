import type { Entity } from './mirrors/resources.js';

export type Op = 'created' | 'updated' | 'deleted';

/**
 * What a change was found by: an incremental sync, a full sync, or a repair (an audit, a
 * verification, or items that were requested again). What happens to an account or a collection,
 * and what is erased by request, is `live`.
 */
export type Origin = 'live' | 'full_sync' | 'repair';

/** The effect of one statement on one row. It becomes a change event. */
export interface RowChange {
  entity: Entity;
  id: string;
  calendarId: string | null;
  op: Op;
}
