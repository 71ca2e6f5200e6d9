/**
 * The events of one calendar. Every change increments the revision. A sync token is a revision, and
 * an incremental list returns what changed since. Deleted events stay as tombstones; cancelled
 * exceptions stay as long as their series exists.
 */
import type { Prng } from '../prng.js';
import { instanceId, type EventBody, type EventDraft, type EventTime } from './event.js';

export interface StoredEvent {
  readonly id: string;
  /** Position in the order of creation, which is the stable order of full lists. */
  readonly number: number;
  /** Revision of the latest change. */
  readonly revision: number;
  readonly updatedMs: number;
  /** Whether a user deleted the event. Full lists omit it; incremental lists return a tombstone. */
  readonly deleted: boolean;
  readonly body: EventBody;
}

export interface CalendarParts {
  id: string;
  summary: string;
  description?: string;
  timeZone: string;
  prng: Prng;
}

export class CalendarStore {
  id: string;
  readonly timeZone: string;
  readonly description: string | undefined;
  summary: string;
  /** Revision of the latest change; 0 before the first one. */
  revision = 0;
  /** Sync tokens with an earlier revision get 410. */
  oldestGoodRevision = 0;
  updatedMs = 0;
  private readonly events = new Map<string, StoredEvent>();
  private created = 0;

  constructor(private readonly parts: CalendarParts) {
    this.id = parts.id;
    this.timeZone = parts.timeZone;
    this.description = parts.description;
    this.summary = parts.summary;
  }

  /**
   * Changes the id; sync tokens of the old id become invalid.
   * @returns an empty calendar with the old id
   */
  renamed(id: string): CalendarStore {
    const left = new CalendarStore({ ...this.parts, id: this.id });
    if (this.summary === this.id) this.summary = id;
    this.id = id;
    this.expireSyncTokens();
    return left;
  }

  get(id: string): StoredEvent | null {
    return this.events.get(id) ?? null;
  }
  /** All events in order of creation, tombstones included. */
  all(): StoredEvent[] {
    return [...this.events.values()];
  }
  /** Returns what changed after that revision, oldest change first. */
  changedSince(revision: number): StoredEvent[] {
    return this.all()
      .filter((event) => event.revision > revision)
      .sort((a, b) => a.revision - b.revision);
  }
  /** Returns events that are neither deleted nor cancelled; users can act on these. */
  current(): StoredEvent[] {
    return this.all().filter((event) => !event.deleted && event.body.status !== 'cancelled');
  }
  exceptionsOf(masterId: string): StoredEvent[] {
    return this.all().filter((event) => event.body.recurringEventId === masterId);
  }

  /** Adds an event or a series. `id` must be unused; a random one is used if it is absent. */
  insert(draft: EventDraft, nowMs: number, id = this.newId()): StoredEvent {
    if (this.events.has(id)) throw new Error('an event of that id exists');
    const body = {
      ...identity(id, nowMs, this.id),
      ...enteredFields(draft),
      iCalUID: draft.iCalUID ?? `${id}@google.com`,
      sequence: 0,
      ...defaults(draft),
    };
    return this.put(id, body, false, nowMs);
  }

  /**
   * Changes fields of an existing event; null when there is none. A change of time increments its
   * sequence, as at Google.
   */
  update(id: string, patch: Partial<EventDraft>, nowMs: number): StoredEvent | null {
    const old = this.events.get(id);
    if (old === undefined || old.deleted || old.body.status === 'cancelled') return null;
    const moved =
      patch.start !== undefined || patch.end !== undefined || patch.recurrence !== undefined;
    const sequence = (old.body.sequence ?? 0) + (moved ? 1 : 0);
    return this.put(id, { ...old.body, ...patch, sequence, updated: stamp(nowMs) }, false, nowMs);
  }

  /**
   * Deletes an event, or a series with its exceptions. Returns the deleted ids. To delete one
   * occurrence use `cancelInstance`. Changed occurrences are reported as cancelled, before or after
   * their series. Occurrences that were cancelled before are not reported, because Google does not
   * document that it would.
   */
  delete(id: string, nowMs: number): string[] {
    const old = this.events.get(id);
    if (old === undefined || old.deleted) return [];
    const exceptions = this.exceptionsOf(id).filter((event) => !event.deleted);
    this.end(old, exceptions, nowMs);
    return [id, ...exceptions.map((event) => event.id)];
  }

  /**
   * Removes a guest from a series while the invitations to its changed occurrences remain: the
   * series and its cancelled occurrences are deleted here, and the changed occurrences stay.
   * Returns false when the series has no changed occurrences, or the event is not a series.
   */
  leaveSeries(id: string, nowMs: number): boolean {
    const old = this.events.get(id);
    if (old === undefined || old.deleted || old.body.recurrence === undefined) return false;
    const exceptions = this.exceptionsOf(id).filter((event) => !event.deleted);
    const kept = exceptions.filter((event) => event.body.status !== 'cancelled');
    if (kept.length === 0) return false;
    // An incremental list may return either first: the tombstone of the series, or the remaining
    // occurrence.
    const isFirst = this.revision % 2 === 0;
    const reviseKept = (): void =>
      kept.forEach((event) =>
        this.put(event.id, { ...event.body, updated: stamp(nowMs) }, false, nowMs),
      );
    if (isFirst) reviseKept();
    this.end(
      old,
      exceptions.filter((event) => event.body.status === 'cancelled'),
      nowMs,
    );
    if (!isFirst) reviseKept();
    return true;
  }

  /**
   * Adds a cancelled occurrence of a series that is not in this calendar, as a guest of a single
   * meeting gets it when the meeting is cancelled.
   */
  cancelWithoutSeries(seriesId: string, originalStart: EventTime, nowMs: number): StoredEvent {
    return this.put(
      instanceId(seriesId, originalStart),
      cancelledBody(seriesId, originalStart),
      false,
      nowMs,
    );
  }

  private end(series: StoredEvent, exceptions: readonly StoredEvent[], nowMs: number): void {
    const cancelled = (event: StoredEvent): EventBody => ({
      ...event.body,
      status: 'cancelled',
      updated: stamp(nowMs),
    });
    for (const event of exceptions.filter(({ body }) => body.status === 'cancelled'))
      this.events.set(event.id, { ...event, deleted: true, updatedMs: nowMs });
    const listed = exceptions.filter(({ body }) => body.status !== 'cancelled');
    const before = listed.slice(0, this.revision % (listed.length + 1));
    for (const event of before) this.put(event.id, cancelled(event), true, nowMs);
    this.put(series.id, cancelled(series), true, nowMs);
    for (const event of listed.slice(before.length))
      this.put(event.id, cancelled(event), true, nowMs);
  }

  /** Cancels one occurrence of a series by an exception that has only an identity. */
  cancelInstance(masterId: string, originalStart: EventTime, nowMs: number): StoredEvent | null {
    const master = this.current().find((event) => event.id === masterId);
    if (master === undefined) return null;
    const body = cancelledBody(masterId, originalStart);
    return this.put(body.id, body, false, nowMs);
  }

  /** Changes fields of one occurrence of a series. */
  changeInstance(
    masterId: string,
    originalStart: EventTime,
    patch: Partial<EventDraft>,
    nowMs: number,
  ): StoredEvent | null {
    const master = this.current().find((event) => event.id === masterId);
    if (master === undefined) return null;
    const id = instanceId(masterId, originalStart);
    const { recurrence: _series, ...inherited } = master.body;
    const body: EventBody = {
      ...inherited,
      ...patch,
      ...identity(id, nowMs, this.id),
      ...(master.body.created === undefined ? {} : { created: master.body.created }),
      recurringEventId: masterId,
      originalStartTime: originalStart,
      sequence: (master.body.sequence ?? 0) + 1,
    };
    return this.put(id, body, false, nowMs);
  }

  /** Invalidates all existing sync tokens; new ones are valid. */
  expireSyncTokens(): void {
    this.revision += 1;
    this.oldestGoodRevision = this.revision;
  }

  /** Drops old tombstones, as Google does: incremental lists no longer report these deletions. */
  forgetTombstones(deletedBeforeMs: number): void {
    for (const event of this.events.values())
      if (event.deleted && event.updatedMs < deletedBeforeMs) this.events.delete(event.id);
  }

  private put(id: string, body: EventBody, deleted: boolean, nowMs: number): StoredEvent {
    this.revision += 1;
    this.updatedMs = nowMs;
    const number = this.events.get(id)?.number ?? ++this.created;
    // Google's etags look like the doubled time of the change in microseconds. The revision
    // distinguishes two changes in one millisecond.
    const etag = `"${nowMs * 2_000 + (this.revision % 2_000)}"`;
    const event: StoredEvent = {
      id,
      number,
      revision: this.revision,
      updatedMs: nowMs,
      deleted,
      body: { ...body, etag },
    };
    this.events.set(id, event);
    return event;
  }

  private newId(): string {
    return Array.from({ length: 26 }, () =>
      '0123456789abcdefghijklmnopqrstuv'.charAt(this.parts.prng.below(32)),
    ).join('');
  }
}

function cancelledBody(seriesId: string, originalStart: EventTime): EventBody {
  return {
    kind: 'calendar#event',
    etag: '',
    id: instanceId(seriesId, originalStart),
    status: 'cancelled',
    recurringEventId: seriesId,
    originalStartTime: originalStart,
  };
}

function identity(
  id: string,
  nowMs: number,
  calendarId: string,
): Pick<EventBody, 'kind' | 'etag' | 'id' | 'status' | 'htmlLink' | 'created' | 'updated'> {
  const eid = Buffer.from(`${id} ${calendarId}`).toString('base64url');
  return {
    kind: 'calendar#event',
    etag: '',
    id,
    status: 'confirmed',
    htmlLink: `https://www.google.com/calendar/event?eid=${eid}`,
    created: stamp(nowMs),
    updated: stamp(nowMs),
  };
}

function enteredFields(draft: EventDraft): Omit<EventDraft, 'reminders' | 'iCalUID'> {
  const { reminders: _reminders, iCalUID: _uid, ...fields } = draft;
  return fields;
}

function defaults(draft: EventDraft): Pick<EventBody, 'reminders' | 'eventType'> {
  return { reminders: draft.reminders ?? { useDefault: true }, eventType: 'default' };
}

function stamp(nowMs: number): string {
  return new Date(nowMs).toISOString();
}
