import { NO_POSITION, type GmailCursor, type GmailIncremental } from './cursor.js';
import type { PendingCursor } from '../../cursor.js';

/* What a mailbox asks Google for next. Pure. A sweep that waits comes before; see evidence/hold.ts. */

type FullSyncCursor = Extract<GmailCursor, { phase: 'full' }>;

export type MailboxPlan =
  /** The profile and the catalogue of labels: a full sync begins. */
  | { kind: 'begin'; cursor: PendingCursor }
  /** The next page of the full sync. */
  | { kind: 'items'; cursor: FullSyncCursor }
  /** Messages that history or a request named. */
  | { kind: 'fetch'; cursor: GmailIncremental }
  /** Older mail, where the window has grown; else history. */
  | { kind: 'extend-window'; cursor: GmailIncremental }
  | { kind: 'history'; cursor: GmailIncremental }
  /** There is no history to follow: full syncs go on at a slow pace. */
  | { kind: 'without-position'; cursor: GmailIncremental };

export function planNext(cursor: PendingCursor | GmailCursor): MailboxPlan {
  if (cursor.phase === 'pending') return { kind: 'begin', cursor };
  if (cursor.phase === 'full') return { kind: 'items', cursor };
  if (cursor.fetched < cursor.listed) return { kind: 'fetch', cursor };
  if (!hasPosition(cursor)) return { kind: 'without-position', cursor };
  const isBetween = cursor.listing === null && !cursor.hold;
  return { kind: isBetween ? 'extend-window' : 'history', cursor };
}

export function hasPosition({ after }: GmailIncremental): boolean {
  return after !== NO_POSITION;
}
