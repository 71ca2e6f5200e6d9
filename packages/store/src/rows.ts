import type { Entity } from './mirrors/resources.js';

export type Op = 'created' | 'updated' | 'deleted';

/** The effect of one statement on one row. It becomes a change event. */
export interface RowChange {
  entity: Entity;
  id: string;
  calendarId: string | null;
  op: Op;
}
