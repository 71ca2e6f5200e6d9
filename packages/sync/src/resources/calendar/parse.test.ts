import { isTombstone, parseEvent } from './parse.js';
import { meaningOfEvents } from './interpret.js';

test('all-day events keep their dates, timed ones their instant and zone', () => {
  expect(
    parseEvent({ id: 'e', start: { date: '2026-03-29' }, end: { date: '2026-03-30' } }),
  ).toMatchObject({
    start: { date: '2026-03-29', atMs: null, zone: null },
    end: { date: '2026-03-30' },
  });
  expect(
    parseEvent({
      id: 'e',
      start: { dateTime: '2026-03-29T09:30:00+02:00', timeZone: 'Europe/Amsterdam' },
    }).start,
  ).toEqual({ date: null, atMs: Date.UTC(2026, 2, 29, 7, 30), zone: 'Europe/Amsterdam' });
});

test.each([
  ['2026-03-29T09:30:00', 'Europe/Amsterdam', Date.UTC(2026, 2, 29, 7, 30)],
  ['2026-03-29T09:30', 'W. Europe Standard Time', Date.UTC(2026, 2, 29, 7, 30)],
  ['2026-03-29T09:30:00.5', 'Nobody/Knows', Date.UTC(2026, 2, 29, 9, 30, 0, 500)],
  ['2026-03-29T09:30:00', undefined, Date.UTC(2026, 2, 29, 9, 30)],
])(
  'the time %s without an offset is one of the zone %s, whatever zone the machine is in',
  (dateTime, timeZone, atMs) => {
    expect(
      parseEvent({ id: 'e', start: { dateTime, ...(timeZone ? { timeZone } : {}) } }).start.atMs,
    ).toBe(atMs);
  },
);

test.each(['0000-01-01', '2026-02-30', '12026-01-01', 'soon', ''])(
  'an absurd all-day date (%s) leaves its column empty and stays in the resource',
  (date) => {
    const row = parseEvent({ id: 'e', start: { date } });
    expect(row.start.date).toBeNull();
    expect(JSON.parse(row.resource)).toMatchObject({ start: { date } });
  },
);

test.each(['0000-01-01T00:00:00Z', '+012026-01-01T00:00:00Z', 'never'])(
  'an absurd instant (%s) leaves its column empty',
  (dateTime) => {
    expect(parseEvent({ id: 'e', start: { dateTime } }).start.atMs).toBeNull();
  },
);

test('a cancelled occurrence with three fields stays, a cancelled event goes', () => {
  const occurrence = {
    id: 'abc_20260921T073000Z',
    status: 'cancelled',
    recurringEventId: 'abc',
    originalStartTime: { dateTime: '2026-09-21T09:30:00+02:00' },
  };
  expect(isTombstone(occurrence)).toBe(false);
  expect(isTombstone({ id: 'abc', status: 'cancelled' })).toBe(true);
  const meaning = meaningOfEvents([
    occurrence,
    { id: 'gone', status: 'cancelled' },
    { id: 'twice', status: 'confirmed' },
    { id: 'twice', status: 'cancelled' },
  ]);
  expect(meaning.listedIds).toEqual(['abc_20260921T073000Z']);
  expect(meaning.delta).toMatchObject({
    kind: 'calendar-events',
    deleted: ['gone', 'twice'],
    events: [{ id: 'abc_20260921T073000Z', recurringEventId: 'abc', status: 'cancelled' }],
  });
});
