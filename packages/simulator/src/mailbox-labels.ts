/**
 * The labels of a mailbox. Creating, renaming or deleting one adds no typed history record, as in
 * Gmail.
 */
export interface StoredLabel {
  readonly id: string;
  name: string;
  readonly type: 'system' | 'user';
}

const SYSTEM_LABELS: readonly string[] = [
  'CHAT',
  'SENT',
  'INBOX',
  'IMPORTANT',
  'TRASH',
  'DRAFT',
  'SPAM',
  'CATEGORY_FORUMS',
  'CATEGORY_UPDATES',
  'CATEGORY_PERSONAL',
  'CATEGORY_PROMOTIONS',
  'CATEGORY_SOCIAL',
  'STARRED',
  'UNREAD',
];

/** Gmail's limit. */
const LABELS_LIMIT = 10_000;

export class LabelCatalogue {
  private readonly labels = new Map<string, StoredLabel>(
    SYSTEM_LABELS.map((id) => [id, { id, name: id, type: 'system' }]),
  );
  private nextNumber = 1;

  all(): StoredLabel[] {
    return [...this.labels.values()];
  }
  get(id: string): StoredLabel | null {
    return this.labels.get(id) ?? null;
  }
  userIds(): string[] {
    return this.all()
      .filter((label) => label.type === 'user')
      .map((label) => label.id);
  }

  /** Adds a user label `Label_<n>`. Throws when the mailbox is full or the name is in use. */
  create(name: string): StoredLabel {
    if (this.labels.size >= LABELS_LIMIT)
      throw new Error('the mailbox has no room for another label');
    if (this.all().some((label) => label.name === name))
      throw new Error('a label of that name exists');
    const label: StoredLabel = { id: `Label_${this.nextNumber++}`, name, type: 'user' };
    this.labels.set(label.id, label);
    return label;
  }

  /** Returns false when there is no such user label. */
  rename(id: string, name: string): boolean {
    const label = this.labels.get(id);
    if (label?.type !== 'user') return false;
    label.name = name;
    return true;
  }

  /**
   * Removes a user label from `labels.list`; messages keep it. Messages may have labels that
   * `labels.list` does not return. Google does not document whether other methods know these, so
   * none does here. Returns false when there is no such user label.
   */
  unlist(id: string): boolean {
    return this.delete(id);
  }

  /**
   * Returns false when there is no such user label. The caller must remove it from the messages.
   */
  delete(id: string): boolean {
    return this.labels.get(id)?.type === 'user' && this.labels.delete(id);
  }
}
