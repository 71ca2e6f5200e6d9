import { allDay, timedAt, type Attendee, type EventDraft } from '../calendar/event.js';
import { occurrences } from '../calendar/recurrence.js';
import type { CalendarStore } from '../calendar/store.js';
import type { Prng } from '../prng.js';
import { EVENT_TITLES, PEOPLE, PLACES } from './phrases.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/**
 * Fills an empty calendar: single events, all-day events, series, and a few moved and cancelled
 * occurrences.
 */
export function seedCalendar(
  calendar: CalendarStore,
  prng: Prng,
  owner: string,
  events: number,
  nowMs: number,
): void {
  while (calendar.all().length < events) {
    const createdMs = nowMs - prng.between(1, 400) * DAY_MS;
    const master = calendar.insert(
      eventDraft(prng, owner, calendar.timeZone, createdMs + prng.between(0, 90) * DAY_MS),
      createdMs,
    );
    if (master.body.recurrence === undefined || !prng.chance(0.6)) continue;
    const few = occurrences(master.body, { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 4 });
    const [, moved, cancelled] = few;
    if (moved !== undefined)
      calendar.changeInstance(
        master.id,
        moved.start,
        {
          summary: `${master.body.summary ?? ''} (moved)`,
          ...movedBy(moved.start, moved.end, HOUR_MS, prng),
        },
        createdMs + DAY_MS,
      );
    if (cancelled !== undefined)
      calendar.cancelInstance(master.id, cancelled.start, createdMs + 2 * DAY_MS);
  }
}

/** Returns a plausible event that begins at about that time. */
export function eventDraft(prng: Prng, owner: string, zone: string, aroundMs: number): EventDraft {
  const dice = prng.next();
  const whole = dice < 0.2;
  const startMs = (Math.floor(aroundMs / (HOUR_MS / 2)) + prng.between(0, 47)) * (HOUR_MS / 2);
  const days = prng.between(1, 3);
  const lengthMs = prng.pick([0.25, 0.5, 1, 1, 2]) * HOUR_MS;
  const self = { email: owner, self: true as const };
  return {
    summary: prng.pick(EVENT_TITLES),
    ...(prng.chance(0.4)
      ? {
          description: 'Agenda:<br><ul><li>Numbers</li><li>Any other business – 次回まで</li></ul>',
        }
      : {}),
    ...(prng.chance(0.4) ? { location: prng.pick(PLACES) } : {}),
    creator: self,
    organizer: self,
    start: whole ? allDay(startMs) : timedAt(startMs, zone),
    end: whole ? allDay(startMs + days * DAY_MS) : timedAt(startMs + lengthMs, zone),
    ...(dice > 0.7 ? { recurrence: [prng.pick(RULES)] } : {}),
    ...(whole ? { transparency: 'transparent' as const } : {}),
    ...(prng.chance(0.5) ? { attendees: attendees(prng, owner) } : {}),
    ...(prng.chance(0.1) ? { status: 'tentative' as const } : {}),
  };
}

/** Returns a new time for one occurrence: an hour later, or the next day for an all-day event. */
export function movedBy(
  start: EventDraft['start'],
  end: EventDraft['end'],
  byMs: number,
  prng: Prng,
): Pick<EventDraft, 'start' | 'end'> {
  const move = (time: EventDraft['start']): EventDraft['start'] => {
    if (time.date !== undefined) return allDay(Date.parse(`${time.date}T00:00:00Z`) + DAY_MS);
    return timedAt(Date.parse(time.dateTime ?? '') + byMs, time.timeZone ?? 'UTC');
  };
  return prng.chance(0.9) ? { start: move(start), end: move(end) } : { start, end: move(end) };
}

const RULES = [
  'RRULE:FREQ=DAILY;COUNT=20',
  'RRULE:FREQ=WEEKLY;BYDAY=MO,WE',
  'RRULE:FREQ=WEEKLY',
  'RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TH',
  'RRULE:FREQ=MONTHLY',
  'RRULE:FREQ=YEARLY',
];

function attendees(prng: Prng, owner: string): Attendee[] {
  const others = [...new Set([prng.pick(PEOPLE), prng.pick(PEOPLE)])];
  return [
    { email: owner, organizer: true, self: true, responseStatus: 'accepted' },
    ...others.map((one) => ({
      email: one.address,
      ...(one.name === '' ? {} : { displayName: one.name }),
      responseStatus: prng.pick(['needsAction', 'accepted', 'declined', 'tentative']),
    })),
  ];
}
