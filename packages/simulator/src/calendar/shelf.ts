/** One user's calendar list: which calendars, with which role and colours, and what changed since when. */
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
  /** The owner has taken the share away: the entry is off full lists, calls for it are 404, and deltas do not say so. */
  lost: boolean;
  revision: number;
}

export class CalendarShelf {
  revision = 0;
  /** Sync tokens below it are answered with 410. */
  oldestGoodRevision = 0;
  private readonly entries = new Map<string, ShelfEntry>();

  /** Deleted entries included, in order of creation. */
  all(): ShelfEntry[] {
    return [...this.entries.values()];
  }
  living(): ShelfEntry[] {
    return this.all().filter((entry) => !entry.deleted && !entry.lost);
  }
  changedSince(revision: number): ShelfEntry[] {
    return this.all()
      .filter((entry) => !entry.lost && entry.revision > revision)
      .sort((a, b) => a.revision - b.revision);
  }

  /** The living entry of that id; `primary` is an alias that Google resolves. */
  find(calendarId: string): ShelfEntry | null {
    if (calendarId === 'primary') return this.living().find((entry) => entry.primary) ?? null;
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

  /** Takes a calendar off the list (deleted or unsubscribed). The primary stays for ever. */
  remove(calendarId: string): boolean {
    const entry = this.find(calendarId);
    if (entry === null || entry.primary) return false;
    entry.deleted = true;
    return this.changed(entry);
  }

  /**
   * The primary calendar's id follows its owner's address; deltas tell of the new one, and of the
   * old one as deleted.
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

  /** The user's own name for a calendar. */
  rename(calendarId: string, summary: string): boolean {
    const entry = this.find(calendarId);
    if (entry === null) return false;
    entry.summaryOverride = summary;
    return this.changed(entry);
  }

  /** The user takes the calendar out of sight, or back; deltas tell. */
  hide(calendarId: string, hidden: boolean): boolean {
    const entry = this.find(calendarId);
    if (entry === null || entry.primary || entry.hidden === hidden) return false;
    entry.hidden = hidden;
    return this.changed(entry);
  }

  /**
   * The calendar's owner changes what this user may see. A change of access alone is no change of the entry, so deltas pass it over
   * (calendarList.list on syncToken); sync tokens of the calendar's events become invalid with it ("changes in related ACLs").
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
