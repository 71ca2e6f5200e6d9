/**
 * The calendar list of one user: calendars with role and colours, and the revision of each change.
 */
import type { CalendarStore } from './store.js';

export type AccessRole = 'freeBusyReader' | 'reader' | 'writer' | 'owner';

export interface ShelfEntry {
  readonly calendar: CalendarStore;
  accessRole: AccessRole;
  readonly primary: boolean;
  readonly colorId: string;
  summaryOverride: string | null;
  hidden: boolean;
  deleted: boolean;
  /**
   * The owner has withdrawn the share: full lists omit the entry, calls for it get 404, and
   * incremental lists do not report it.
   */
  lost: boolean;
  revision: number;
}

export class CalendarShelf {
  revision = 0;
  /** Sync tokens with an earlier revision get 410. */
  oldestGoodRevision = 0;
  private readonly entries = new Map<string, ShelfEntry>();

  /** All entries in order of creation, deleted ones included. */
  all(): ShelfEntry[] {
    return [...this.entries.values()];
  }
  current(): ShelfEntry[] {
    return this.all().filter((entry) => !entry.deleted && !entry.lost);
  }
  changedSince(revision: number): ShelfEntry[] {
    return this.all()
      .filter((entry) => !entry.lost && entry.revision > revision)
      .sort((a, b) => a.revision - b.revision);
  }

  /** Returns the entry with that id unless it is deleted; `primary` is an alias, as at Google. */
  find(calendarId: string): ShelfEntry | null {
    if (calendarId === 'primary') return this.current().find((entry) => entry.primary) ?? null;
    const entry = this.entries.get(calendarId);
    return entry === undefined || entry.deleted || entry.lost ? null : entry;
  }

  add(calendar: CalendarStore, accessRole: AccessRole, primary = false): ShelfEntry {
    this.revision += 1;
    const colorId = String(1 + (this.entries.size % 24));
    const entry: ShelfEntry = {
      calendar,
      accessRole,
      primary,
      colorId,
      summaryOverride: null,
      hidden: false,
      deleted: false,
      lost: false,
      revision: this.revision,
    };
    this.entries.set(calendar.id, entry);
    return entry;
  }

  /**
   * Removes a calendar from the list (deleted or unsubscribed). The primary calendar cannot be
   * removed.
   */
  remove(calendarId: string): boolean {
    const entry = this.find(calendarId);
    if (entry === null || entry.primary) return false;
    entry.deleted = true;
    return this.changed(entry);
  }

  /**
   * Changes the id of the primary calendar when its owner's address changes. Incremental lists
   * report the new id, and the old one as deleted.
   */
  renamePrimary(id: string, before: string): void {
    const entry = this.find('primary');
    if (entry === null || entry.calendar.id !== before) return;
    this.entries.delete(before);
    const gone = entry.calendar.renamed(id);
    this.entries.set(id, entry);
    this.changed(entry);
    this.changed(this.addDeleted(gone, entry));
  }

  private addDeleted(calendar: CalendarStore, like: ShelfEntry): ShelfEntry {
    const entry: ShelfEntry = { ...like, calendar, primary: false, deleted: true };
    this.entries.set(calendar.id, entry);
    return entry;
  }

  /** Sets the user's own name for a calendar. */
  rename(calendarId: string, summary: string): boolean {
    const entry = this.find(calendarId);
    if (entry === null) return false;
    entry.summaryOverride = summary;
    return this.changed(entry);
  }

  /** Hides or shows a calendar; incremental lists report it. */
  hide(calendarId: string, hidden: boolean): boolean {
    const entry = this.find(calendarId);
    if (entry === null || entry.primary || entry.hidden === hidden) return false;
    entry.hidden = hidden;
    return this.changed(entry);
  }

  /**
   * Changes what this user may see of a calendar, as its owner does. A change of access alone does
   * not change the entry, so incremental lists do not report it (calendarList.list on syncToken).
   * It invalidates the sync tokens of the calendar's events ("changes in related ACLs").
   */
  setAccess(calendarId: string, access: AccessRole | 'none'): boolean {
    const entry = this.entries.get(calendarId);
    if (entry === undefined || entry.deleted || entry.primary) return false;
    entry.lost = access === 'none';
    if (access !== 'none') entry.accessRole = access;
    entry.calendar.expireSyncTokens();
    return true;
  }

  expireSyncTokens(): void {
    this.revision += 1;
    this.oldestGoodRevision = this.revision;
  }

  private changed(entry: ShelfEntry): true {
    this.revision += 1;
    entry.revision = this.revision;
    return true;
  }
}
