import type { Entity } from './mirrors/resources.js';

export type Op = 'created' | 'updated' | 'deleted';

/** What one statement did to one row; becomes a change event. */
export interface RowChange {
  entity: Entity;
  id: string;
  calendarId: string | null;
  op: Op;
}
