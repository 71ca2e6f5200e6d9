import { NO_POSITION, type GmailCursor, type GmailIncremental } from './cursor.js';
import type { PendingCursor } from '../../cursor.js';

/*
 * What a mailbox requests from Google next. Pure. A sweep that waits takes precedence; see
 * evidence/hold.ts.
 */

type FullSyncCursor = Extract<GmailCursor, { phase: 'full' }>;

export type MailboxPlan =
  /** The profile and the catalogue of labels, at the beginning of a full sync. */
  | { kind: 'begin'; cursor: PendingCursor }
  /** The next page of the full sync. */
  | { kind: 'items'; cursor: FullSyncCursor }
  /** Messages that history or a request named. */
  | { kind: 'fetch'; cursor: GmailIncremental }
  /** Older mail if the window has grown; otherwise history. */
  | { kind: 'extend-window'; cursor: GmailIncremental }
  | { kind: 'history'; cursor: GmailIncremental }
  /** There is no sync position: full syncs continue at a slow pace. */
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
