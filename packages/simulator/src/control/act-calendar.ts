import { instanceId, timedAt, type EventDraft } from '../calendar/event.js';
import { occurrences, type Occurrence } from '../calendar/recurrence.js';
import type { AccessRole } from '../calendar/shelf.js';
import type { CalendarStore, StoredEvent } from '../calendar/store.js';
import { eventDraft, movedBy } from '../generate/seed-calendar.js';
import type { ActionOrder, ActResult, ActionContext } from './act.js';

export const CALENDAR_ACTIONS = [
  'event-create',
  'event-update',
  'event-delete',
  'event-cancel-instance',
  'event-move-instance',
  'event-leave-series',
  'event-cancel-orphan',
  'calendar-create',
  'calendar-rename',
  'calendar-delete',
  'calendar-hide',
  'calendar-show',
  'calendar-acl-loss',
  'calendar-acl-return',
  'calendar-role',
  'event-move-organizer',
] as const;
export type CalendarAction = (typeof CALENDAR_ACTIONS)[number];
type Touched = Pick<ActResult, 'calendarId' | 'eventId'>;

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Returns null when there was nothing to act on. */
export function actOnCalendar(
  context: ActionContext,
  order: ActionOrder & { action: CalendarAction },
): Touched | null {
  return PERFORM[order.action](context, order);
}

const PERFORM: Record<
  CalendarAction,
  (context: ActionContext, order: ActionOrder) => Touched | null
> = {
  'event-create': createEvent,
  'event-update': updateEvent,
  'event-delete': deleteEvent,
  'event-cancel-instance': cancelInstance,
  'event-move-instance': moveInstance,
  'event-leave-series': leaveSeries,
  'event-cancel-orphan': cancelOrphan,
  'calendar-create': createCalendar,
  'calendar-rename': renameCalendar,
  'calendar-delete': (context, order) =>
    onSecondary(context, order, (id) => context.account.shelf.remove(id)),
  'calendar-hide': (context, order) => setHidden(context, order, true),
  'calendar-show': (context, order) => setHidden(context, order, false),
  'calendar-acl-loss': (context, order) => setAccess(context, order, 'none'),
  'calendar-acl-return': (context, order) => setAccess(context, order, order.role ?? 'owner'),
  'calendar-role': (context, order) => setAccess(context, order, order.role ?? 'owner'),
  // The event moves to another organizer, into a calendar that this world does not contain; only a
  // deleted id remains here.
  'event-move-organizer': deleteEvent,
};

function cancelInstance(context: ActionContext, order: ActionOrder): Touched | null {
  return onOccurrence(context, order, (calendar, master, one) =>
    calendar.cancelInstance(master.id, one.start, context.clock.nowMs()),
  );
}

function moveInstance(context: ActionContext, order: ActionOrder): Touched | null {
  return onOccurrence(context, order, (calendar, master, one) => {
    const moved = movedBy(one.start, one.end, HOUR_MS, context.account.prng);
    const patch = { ...moved, ...order.event };
    return calendar.changeInstance(master.id, one.start, patch, context.clock.nowMs());
  });
}

function createCalendar({ world, account }: ActionContext, order: ActionOrder): Touched {
  const name = order.name ?? `Calendar ${account.prng.hex(4)}`;
  return {
    calendarId: world.addCalendar(account, name, account.prng.fork(account.prng.hex(8))).id,
  };
}

function renameCalendar(context: ActionContext, order: ActionOrder): Touched | null {
  const { shelf, prng } = context.account;
  return onSecondary(context, order, (id) =>
    shelf.rename(id, order.name ?? `Renamed ${prng.hex(4)}`),
  );
}

function setHidden(context: ActionContext, order: ActionOrder, hidden: boolean): Touched | null {
  return onSecondary(context, order, (id) => context.account.shelf.hide(id, hidden));
}

function setAccess(
  context: ActionContext,
  order: ActionOrder,
  role: AccessRole | 'none',
): Touched | null {
  return onSecondary(context, order, (id) => context.account.shelf.setAccess(id, role));
}

function createEvent(context: ActionContext, order: ActionOrder): Touched {
  const { account } = context;
  const calendar = writable(context, order);
  const nowMs = context.clock.nowMs();
  const drawn = eventDraft(
    account.prng,
    account.email,
    calendar.timeZone,
    nowMs + account.prng.between(-5, 60) * DAY_MS,
  );
  const event =
    order.eventId === undefined
      ? calendar.insert({ ...drawn, ...order.event }, nowMs)
      : calendar.insert({ ...drawn, ...order.event }, nowMs, order.eventId);
  return { calendarId: calendar.id, eventId: event.id };
}

function updateEvent(context: ActionContext, order: ActionOrder): Touched | null {
  const calendar = writable(context, order);
  const event = chosenEvent(context, order, calendar, calendar.current());
  if (event === null) return null;
  calendar.update(event.id, order.event ?? drawnPatch(context, event), context.clock.nowMs());
  return { calendarId: calendar.id, eventId: event.id };
}

/** A new title, a new place, or an hour later: typical changes. */
function drawnPatch(context: ActionContext, event: StoredEvent): Partial<EventDraft> {
  const { prng } = context.account;
  const { start, end, recurrence } = event.body;
  const dice = prng.next();
  if (dice < 0.4 || start === undefined || end === undefined || recurrence !== undefined)
    return { summary: `${event.body.summary ?? 'Untitled'} ${prng.hex(3)}` };
  return dice < 0.6
    ? { location: `Room ${prng.between(1, 9)}.${prng.between(10, 99)}` }
    : movedBy(start, end, HOUR_MS, prng);
}

function deleteEvent(context: ActionContext, order: ActionOrder): Touched | null {
  const calendar = writable(context, order);
  // Deleting one changed occurrence cancels that occurrence and not the event.
  const event = chosenEvent(
    context,
    order,
    calendar,
    calendar.current().filter((one) => one.body.recurringEventId === undefined),
  );
  if (event === null) return null;
  const { recurringEventId, originalStartTime } = event.body;
  if (recurringEventId !== undefined && originalStartTime !== undefined)
    calendar.cancelInstance(recurringEventId, originalStartTime, context.clock.nowMs());
  else calendar.delete(event.id, context.clock.nowMs());
  return { calendarId: calendar.id, eventId: event.id };
}

/**
 * Removes the user from a series while the invitation to one of its occurrences remains; an
 * occurrence is changed first if none is.
 */
function leaveSeries(context: ActionContext, order: ActionOrder): Touched | null {
  const calendar = writable(context, order);
  const series = calendar.current().filter((event) => event.body.recurrence !== undefined);
  const master = chosenEvent(context, order, calendar, series);
  if (master === null) return null;
  const nowMs = context.clock.nowMs();
  const at = { calendarId: calendar.id, eventId: master.id };
  if (calendar.leaveSeries(master.id, nowMs)) return at;
  const moved = { ...order, calendarId: calendar.id, eventId: master.id };
  if (actOnCalendar(context, { ...moved, action: 'event-move-instance' }) === null) return null;
  return calendar.leaveSeries(master.id, nowMs) ? at : null;
}

/** Cancels an occurrence of a series that is not in this calendar; `eventId` names the series. */
function cancelOrphan(context: ActionContext, order: ActionOrder): Touched {
  const { prng } = context.account;
  const calendar = writable(context, order);
  const nowMs = context.clock.nowMs();
  const startMs = Math.floor((nowMs + prng.between(1, 60) * DAY_MS) / HOUR_MS) * HOUR_MS;
  const seriesId = order.eventId ?? prng.hex(26);
  const event = calendar.cancelWithoutSeries(seriesId, timedAt(startMs, calendar.timeZone), nowMs);
  return { calendarId: calendar.id, eventId: event.id };
}

function onOccurrence(
  context: ActionContext,
  order: ActionOrder,
  change: (calendar: CalendarStore, master: StoredEvent, one: Occurrence) => StoredEvent | null,
): Touched | null {
  const calendar = writable(context, order);
  const master = chosenEvent(
    context,
    order,
    calendar,
    calendar.current().filter((event) => event.body.recurrence !== undefined),
  );
  if (master === null) return null;
  const cancelled = new Set(
    calendar
      .exceptionsOf(master.id)
      .filter((event) => event.body.status === 'cancelled')
      .map((event) => event.id),
  );
  const free = occurrences(master.body, {
    fromMs: Number.NEGATIVE_INFINITY,
    toMs: Number.POSITIVE_INFINITY,
    limit: 30,
  }).filter((one) => !cancelled.has(instanceId(master.id, one.start)));
  const event =
    free.length === 0 ? null : change(calendar, master, context.account.prng.pick(free));
  return event === null ? null : { calendarId: calendar.id, eventId: event.id };
}

function onSecondary(
  context: ActionContext,
  order: ActionOrder,
  change: (calendarId: string) => boolean,
): Touched | null {
  const own = context.account.shelf
    .current()
    .filter((entry) => !entry.primary && entry.accessRole === 'owner');
  const calendarId =
    order.calendarId ?? (own.length === 0 ? null : context.account.prng.pick(own).calendar.id);
  if (calendarId === null) return null;
  if (!change(calendarId)) throw new Error('no such secondary calendar');
  return { calendarId };
}

function writable(context: ActionContext, order: ActionOrder): CalendarStore {
  const { shelf, prng } = context.account;
  if (order.calendarId === undefined)
    return prng.pick(shelf.current().filter((entry) => entry.accessRole === 'owner')).calendar;
  const entry = shelf.find(order.calendarId);
  if (entry === null || entry.accessRole !== 'owner')
    throw new Error("no such calendar of one's own");
  return entry.calendar;
}

function chosenEvent(
  context: ActionContext,
  order: ActionOrder,
  calendar: CalendarStore,
  candidates: readonly StoredEvent[],
): StoredEvent | null {
  if (order.eventId === undefined)
    return candidates.length === 0 ? null : context.account.prng.pick(candidates);
  const event = calendar.get(order.eventId);
  if (event === null || event.deleted || event.body.status === 'cancelled')
    throw new Error('no such event');
  return event;
}
