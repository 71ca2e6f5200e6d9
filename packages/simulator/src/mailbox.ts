/**
 * One mailbox: messages newest first, threads, drafts, labels, and the history that every change
 * appends to. It is independent of HTTP: the Gmail API reads it, and users or tests change it.
 */
import type { MailFactory, MailRecipe } from './generate/mail.js';
import { viewOf, type MessageView } from './gmail/message-view.js';
import { HistoryLog, type HistoryRecord } from './mailbox-history.js';
import { LabelCatalogue } from './mailbox-labels.js';
import type { Prng } from './prng.js';

export type MailContent =
  { kind: 'generated'; recipe: MailRecipe } | { kind: 'given'; raw: Buffer };

export interface StoredMessage {
  /** 16 hexadecimal digits, unique in the mailbox. */
  readonly id: string;
  readonly threadId: string;
  /** Replaced and never modified, so that messages may share a list. */
  labelIds: readonly string[];
  /** The last record that changed the message. */
  historyId: bigint;
  /** Ms since the epoch. */
  readonly internalDateMs: number;
  /** When the message was added to this mailbox. */
  readonly createdAtMs: number;
  readonly content: MailContent;
}

export interface NewMessage {
  content: MailContent;
  labelIds: readonly string[];
  internalDateMs: number;
  /** A new thread if absent. */
  threadId?: string;
}

export interface MailboxParts {
  owner: string;
  prng: Prng;
  mails: MailFactory;
  retentionMs: number;
  firstHistoryId: bigint;
}

export class Mailbox {
  readonly owner: string;
  readonly history: HistoryLog;
  readonly labels = new LabelCatalogue();
  /** Draft id → message id. A draft keeps its id while each save replaces its message. */
  readonly drafts = new Map<string, string>();
  private readonly byId = new Map<string, StoredMessage>();
  private readonly byThread = new Map<string, StoredMessage[]>();
  /** Oldest first by (internalDate, id): new messages are appended, and lists read from the end. */
  private readonly ordered: StoredMessage[] = [];

  constructor(private readonly parts: MailboxParts) {
    this.owner = parts.owner;
    this.history = new HistoryLog(
      parts.firstHistoryId,
      parts.prng.fork('history'),
      parts.retentionMs,
    );
  }

  get size(): number {
    return this.byId.size;
  }
  get threadCount(): number {
    return this.byThread.size;
  }
  get(id: string): StoredMessage | null {
    return this.byId.get(id) ?? null;
  }
  /** Returns the messages of a thread, oldest first; empty when there is none. */
  thread(id: string): readonly StoredMessage[] {
    return this.byThread.get(id) ?? [];
  }
  /** Oldest first. */
  messages(): readonly StoredMessage[] {
    return this.ordered;
  }
  /** Returns the message's RFC 822 bytes. */
  raw(message: StoredMessage): Buffer {
    return message.content.kind === 'given'
      ? message.content.raw
      : this.parts.mails.raw(message.content.recipe);
  }

  /** Returns the API's view of the message's content. */
  view(message: StoredMessage): MessageView {
    return message.content.kind === 'given'
      ? viewOf(message.content.raw)
      : this.parts.mails.view(message.content.recipe);
  }

  /** Adds a message without a history record, for the initial content. */
  seed(fresh: NewMessage, nowMs: number): StoredMessage {
    return this.store(fresh, this.history.advance(), nowMs);
  }

  /** Adds a message, with a messagesAdded record. */
  add(fresh: NewMessage, nowMs: number): StoredMessage {
    const message = this.store(fresh, 0n, nowMs);
    this.record({ added: [message] }, [message], nowMs);
    return message;
  }

  /** Deletes messages permanently, with a messagesDeleted record. Returns how many existed. */
  delete(ids: readonly string[], nowMs: number): number {
    const gone = ids.map((id) => this.byId.get(id)).filter((message) => message !== undefined);
    for (const message of gone) this.drop(message);
    if (gone.length > 0) this.record({ deleted: gone }, gone, nowMs);
    return gone.length;
  }

  /**
   * Adds and removes labels; without a change no record is added. Returns the messages that
   * changed.
   */
  modify(
    ids: readonly string[],
    add: readonly string[],
    remove: readonly string[],
    nowMs: number,
  ): StoredMessage[] {
    const labelsAdded: HistoryRecord['labelsAdded'][number][] = [];
    const labelsRemoved: HistoryRecord['labelsRemoved'][number][] = [];
    const changed = new Set<StoredMessage>();
    for (const id of ids) {
      const message = this.byId.get(id);
      if (message === undefined) continue;
      const gained = add.filter((label) => !message.labelIds.includes(label));
      const lost = remove.filter(
        (label) => message.labelIds.includes(label) && !add.includes(label),
      );
      if (gained.length > 0) labelsAdded.push({ message, labelIds: gained });
      if (lost.length > 0) labelsRemoved.push({ message, labelIds: lost });
      if (gained.length + lost.length === 0) continue;
      message.labelIds = [...message.labelIds.filter((label) => !lost.includes(label)), ...gained];
      changed.add(message);
    }
    if (changed.size > 0) this.record({ labelsAdded, labelsRemoved }, [...changed], nowMs);
    return [...changed];
  }

  /** Adds a record without a type. */
  touch(id: string, nowMs: number): boolean {
    const message = this.byId.get(id);
    if (message !== undefined) this.record({ touched: [message] }, [message], nowMs);
    return message !== undefined;
  }

  /**
   * Saves a draft: its message is replaced by one with a new id, and the draft id stays. Creates a
   * draft when `draftId` is null.
   */
  saveDraft(
    draftId: string | null,
    fresh: Omit<NewMessage, 'labelIds'>,
    nowMs: number,
  ): { draftId: string; message: StoredMessage } {
    const old = draftId === null ? undefined : this.byId.get(this.drafts.get(draftId) ?? '');
    if (draftId !== null && old === undefined) throw new Error('no such draft');
    const id = draftId ?? `r-${this.parts.prng.digits(18)}`;
    if (old !== undefined) this.delete([old.id], nowMs);
    const message = this.add(
      { ...fresh, labelIds: ['DRAFT'], ...(old === undefined ? {} : { threadId: old.threadId }) },
      nowMs,
    );
    this.drafts.set(id, message.id);
    return { draftId: id, message };
  }

  /** Deletes a user label everywhere. Its messages change; the label itself adds no record. */
  deleteLabel(id: string, nowMs: number): boolean {
    if (!this.labels.delete(id)) return false;
    this.modify(
      this.ordered.filter((message) => message.labelIds.includes(id)).map((message) => message.id),
      [],
      [id],
      nowMs,
    );
    return true;
  }

  /** Returns the index of a message with that date and id in `messages()`. */
  position(internalDateMs: number, id: string): number {
    let low = 0;
    let high = this.ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (before(this.ordered[middle] as StoredMessage, internalDateMs, id)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private record(
    change: Parameters<HistoryLog['append']>[0],
    messages: readonly StoredMessage[],
    nowMs: number,
  ): void {
    const { id } = this.history.append(change, nowMs);
    for (const message of messages) message.historyId = id;
  }

  private store(fresh: NewMessage, historyId: bigint, nowMs: number): StoredMessage {
    for (const label of fresh.labelIds)
      if (this.labels.get(label) === null) throw new Error(`no such label: ${label}`);
    const id = this.newId(fresh.internalDateMs);
    const message: StoredMessage = {
      id,
      threadId: fresh.threadId ?? id,
      labelIds: fresh.labelIds,
      historyId,
      internalDateMs: fresh.internalDateMs,
      createdAtMs: nowMs,
      content: fresh.content,
    };
    this.byId.set(id, message);
    const thread = this.byThread.get(message.threadId);
    if (thread === undefined) this.byThread.set(message.threadId, [message]);
    else thread.push(message);
    this.ordered.splice(this.position(message.internalDateMs, id), 0, message);
    return message;
  }

  private drop(message: StoredMessage): void {
    this.byId.delete(message.id);
    this.ordered.splice(this.position(message.internalDateMs, message.id), 1);
    const rest = this.thread(message.threadId).filter((other) => other !== message);
    if (rest.length === 0) this.byThread.delete(message.threadId);
    else this.byThread.set(message.threadId, rest);
    for (const [draftId, messageId] of this.drafts)
      if (messageId === message.id) this.drafts.delete(draftId);
  }

  /** Gmail's ids contain the time in their upper bits: milliseconds above twenty random bits. */
  private newId(internalDateMs: number): string {
    for (;;) {
      const time = Math.max(0x10000000000, Math.floor(internalDateMs))
        .toString(16)
        .padStart(11, '0')
        .slice(-11);
      const id = time + this.parts.prng.hex(5);
      if (!this.byId.has(id)) return id;
    }
  }
}

function before(message: StoredMessage, internalDateMs: number, id: string): boolean {
  return message.internalDateMs === internalDateMs
    ? message.id < id
    : message.internalDateMs < internalDateMs;
}
