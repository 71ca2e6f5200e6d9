import type { GmailHistory } from '@syncline/google';
import { historyIdIn } from './history-id.js';
import type { PageCommit } from '@syncline/store';

type GmailDelta = Extract<PageCommit['delta'], { kind: 'gmail' }>;
export type LabelChange = GmailDelta['labelChanges'][number];

/*
 * A page of history → its meaning. Pure.
 *
 * History names the messages that changed. A label change is applied from the record itself,
 * without a request, since the record contains the delta. Of several changes to one label of one
 * message the last one counts. Added messages are fetched; deleted ones stay deleted, since ids are
 * never reused, whatever else the page says of them.
 *
 * Trashing is a label change (TRASH), not a deletion. `messages[]` repeats the typed arrays; a
 * record that has only `messages[]` is a kind of change that the API does not type: those messages
 * are read again.
 */
export interface HistoryMeaning {
  /** To be fetched, unless they are stored already. */
  added: string[];
  /** To be fetched although they are stored: a change that the record does not describe. */
  refetch: string[];
  labelChanges: LabelChange[];
  deleted: string[];
  /** Every label that the page names. */
  labelIds: string[];
}

export function meaningOfHistory(records: readonly GmailHistory[]): HistoryMeaning {
  const page: CollectedHistory = {
    added: new Set(),
    refetch: new Set(),
    deleted: new Set(),
    folds: new Map(),
    labelIds: new Set(),
  };
  for (const record of records) {
    collectAdded(page, record);
    collectLabelChanges(page, record);
    collectDeleted(page, record);
    if (isUntyped(record)) collectUntyped(page, record);
  }
  const { added, refetch, deleted, folds, labelIds } = page;
  for (const id of deleted) {
    added.delete(id);
    refetch.delete(id);
    folds.delete(id);
  }
  return {
    added: [...added],
    refetch: [...refetch],
    labelChanges: [...folds].map(([id, f]) => labelChange(id, f)),
    deleted: [...deleted],
    labelIds: [...labelIds],
  };
}

/** The changes that the records of a page name so far. */
interface CollectedHistory {
  added: Set<string>;
  refetch: Set<string>;
  deleted: Set<string>;
  /** message → its label changes */
  folds: Map<string, Fold>;
  labelIds: Set<string>;
}

interface Fold {
  /** label → whether the message has it after the page */
  labels: Map<string, boolean>;
  historyId: bigint;
}

function collectAdded({ added, labelIds }: CollectedHistory, record: GmailHistory): void {
  for (const { message } of record.messagesAdded ?? []) {
    if (message?.id) added.add(message.id);
    for (const label of message?.labelIds ?? []) labelIds.add(label);
  }
}

function collectLabelChanges({ folds, labelIds }: CollectedHistory, record: GmailHistory): void {
  const recordId = historyIdIn(record.id);
  for (const entry of record.labelsAdded ?? [])
    fold(folds, labelIds, entry.message?.id, entry.labelIds, true, recordId);
  for (const entry of record.labelsRemoved ?? [])
    fold(folds, labelIds, entry.message?.id, entry.labelIds, false, recordId);
}

function collectDeleted({ deleted }: CollectedHistory, record: GmailHistory): void {
  for (const { message } of record.messagesDeleted ?? []) if (message?.id) deleted.add(message.id);
}

function collectUntyped({ refetch }: CollectedHistory, record: GmailHistory): void {
  for (const message of record.messages ?? []) if (message.id) refetch.add(message.id);
}

function fold(
  folds: Map<string, Fold>,
  seen: Set<string>,
  id: string | null | undefined,
  labels: readonly string[] | null | undefined,
  present: boolean,
  recordId: bigint,
): void {
  if (!id) return;
  const known = folds.get(id) ?? { labels: new Map<string, boolean>(), historyId: recordId };
  for (const label of labels ?? []) {
    known.labels.set(label, present);
    if (present) seen.add(label);
  }
  if (recordId > known.historyId) known.historyId = recordId;
  folds.set(id, known);
}

function labelChange(id: string, f: Fold): LabelChange {
  const add: string[] = [];
  const remove: string[] = [];
  for (const [label, present] of f.labels) (present ? add : remove).push(label);
  return { id, add, remove, historyId: f.historyId };
}

function isUntyped(record: GmailHistory): boolean {
  return (
    !record.messagesAdded?.length &&
    !record.messagesDeleted?.length &&
    !record.labelsAdded?.length &&
    !record.labelsRemoved?.length
  );
}
