/**
 * The events of one calendar. Every mutation takes the next revision; a sync token is a revision, a delta is what changed
 * since. Deleted events stay as tombstones, cancelled exceptions stay as long as their series lives.
 */
import type { Prng } from '../prng.js';
import { instanceId, type EventBody, type EventDraft, type EventTime } from './event.js';

export interface StoredEvent {
  readonly id: string;
  /** Order of creation: the stable order of full lists. */
  readonly number: number;
  /** The newest change. */
  readonly revision: number;
  readonly updatedMs: number;
  /** True for an event that a user deleted: full lists pass it over, deltas carry a tombstone. */
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
  /** Revision of the newest change; 0 when nothing ever happened. */
  revision = 0;
  /** Sync tokens below it are answered with 410. */
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
   * Takes another id; sync tokens of the old one end.
   * @returns what is left under the old id: an empty calendar
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
  /** Everything, tombstones included, in order of creation. */
  all(): StoredEvent[] {
    return [...this.events.values()];
  }
  /** What changed after that revision, oldest change first. */
  changedSince(revision: number): StoredEvent[] {
    return this.all()
      .filter((event) => event.revision > revision)
      .sort((a, b) => a.revision - b.revision);
  }
  /** Not deleted, with times of their own: what a user could act on. */
  living(): StoredEvent[] {
    return this.all().filter((event) => !event.deleted && event.body.status !== 'cancelled');
  }
  exceptionsOf(masterId: string): StoredEvent[] {
    return this.all().filter((event) => event.body.recurringEventId === masterId);
  }

  /** Adds an event or a series. `id` must be unused; one is drawn if absent. */
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

  /** Changes fields of a living event; null when there is none. A change of time raises its sequence, as Google's do. */
  update(id: string, patch: Partial<EventDraft>, nowMs: number): StoredEvent | null {
    const old = this.events.get(id);
    if (old === undefined || old.deleted || old.body.status === 'cancelled') return null;
    const moved =
      patch.start !== undefined || patch.end !== undefined || patch.recurrence !== undefined;
    const sequence = (old.body.sequence ?? 0) + (moved ? 1 : 0);
    return this.put(id, { ...old.body, ...patch, sequence, updated: stamp(nowMs) }, false, nowMs);
  }

  /**
   * Deletes an event, or a series with its exceptions. Returns the ids that went. Deleting one
   * occurrence is `cancelInstance`. Changed occurrences are told of as cancelled, before their
   * series or after it; that Google names the ones which were cancelled before as well is written
   * nowhere, so it does not.
   */
  delete(id: string, nowMs: number): string[] {
    const old = this.events.get(id);
    if (old === undefined || old.deleted) return [];
    const exceptions = this.exceptionsOf(id).filter((event) => !event.deleted);
    this.end(old, exceptions, nowMs);
    return [id, ...exceptions.map((event) => event.id)];
  }

  /**
   * A guest is taken off a series and stays invited to its changed occurrences: the series is
   * deleted here, with what was only cancelled of it, and the changed occurrences live on. False
   * when the series has none, or is none.
   */
  leaveSeries(id: string, nowMs: number): boolean {
    const old = this.events.get(id);
    if (old === undefined || old.deleted || old.body.recurrence === undefined) return false;
    const exceptions = this.exceptionsOf(id).filter((event) => !event.deleted);
    const kept = exceptions.filter((event) => event.body.status !== 'cancelled');
    if (kept.length === 0) return false;
    // Either may come first in a delta: the tombstone of the series, or the occurrence that stays.
    const isFirst = this.revision % 2 === 0;
    const tellKept = (): void =>
      kept.forEach((event) =>
        this.put(event.id, { ...event.body, updated: stamp(nowMs) }, false, nowMs),
      );
    if (isFirst) tellKept();
    this.end(
      old,
      exceptions.filter((event) => event.body.status === 'cancelled'),
      nowMs,
    );
    if (!isFirst) tellKept();
    return true;
  }

  /**
   * A cancelled occurrence whose series is not in this calendar, as a guest of a single meeting
   * sees it when that is called off.
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

  /** Cancels one occurrence of a series: an exception that carries nothing but its identity. */
  cancelInstance(masterId: string, originalStart: EventTime, nowMs: number): StoredEvent | null {
    const master = this.living().find((event) => event.id === masterId);
    if (master === undefined) return null;
    const body = cancelledBody(masterId, originalStart);
    return this.put(body.id, body, false, nowMs);
  }

  /** Gives one occurrence of a series its own fields. */
  changeInstance(
    masterId: string,
    originalStart: EventTime,
    patch: Partial<EventDraft>,
    nowMs: number,
  ): StoredEvent | null {
    const master = this.living().find((event) => event.id === masterId);
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

  /** Makes every sync token that anybody holds invalid; new ones are good. */
  expireSyncTokens(): void {
    this.revision += 1;
    this.oldestGoodRevision = this.revision;
  }

  /** Google forgets what was deleted long ago: a delta tells no longer of it. */
  forgetTombstones(deletedBeforeMs: number): void {
    for (const event of this.events.values())
      if (event.deleted && event.updatedMs < deletedBeforeMs) this.events.delete(event.id);
  }

  private put(id: string, body: EventBody, deleted: boolean, nowMs: number): StoredEvent {
    this.revision += 1;
    this.updatedMs = nowMs;
    const number = this.events.get(id)?.number ?? ++this.created;
    // Google's etags look like the time of the change in microseconds, doubled; the revision keeps two in one millisecond apart.
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
