import { NO_POSITION, type GmailCursor, type GmailFollow } from './cursor.js';
import type { NewCursor } from '../../cursor.js';

/* What a mailbox asks Google for next. Pure. A sweep that waits comes before; see evidence/hold.ts. */

type WalkCursor = Extract<GmailCursor, { phase: 'backfill' }>;

export type MailboxPlan =
  /** The profile and the catalogue of labels: a full sync begins. */
  | { kind: 'begin'; cursor: NewCursor }
  /** The next page of the full sync. */
  | { kind: 'walk'; cursor: WalkCursor }
  /** Messages that history or a wish named. */
  | { kind: 'fetch'; cursor: GmailFollow }
  /** Older mail, where the window has grown; else history. */
  | { kind: 'deepen'; cursor: GmailFollow }
  | { kind: 'history'; cursor: GmailFollow }
  /** There is no history to follow: full syncs go on at a slow pace. */
  | { kind: 'without-position'; cursor: GmailFollow };

export function planNext(cursor: NewCursor | GmailCursor): MailboxPlan {
  if (cursor.phase === 'new') return { kind: 'begin', cursor };
  if (cursor.phase === 'backfill') return { kind: 'walk', cursor };
  if (cursor.fetched < cursor.listed) return { kind: 'fetch', cursor };
  if (!hasPosition(cursor)) return { kind: 'without-position', cursor };
  const isBetween = cursor.listing === null && !cursor.hold;
  return { kind: isBetween ? 'deepen' : 'history', cursor };
}

export function hasPosition({ after }: GmailFollow): boolean {
  return after !== NO_POSITION;
}
