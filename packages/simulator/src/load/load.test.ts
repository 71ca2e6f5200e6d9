import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { growthOf, LINEAR } from '../../../../test/support/growth.js';
import type { Json } from '../../test-support/client.js';
import { startSimulator } from '../simulator.js';
import { parseIcs } from './ics-parser.js';
import { splitMbox } from './load-mbox.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'simulator-load-'));
});
afterEach(() => rm(folder, { recursive: true }));

const NOW_MS = Date.UTC(2026, 5, 1);

async function loadIcs(lines: readonly string[]): Promise<{ events: Json[]; report: Json }> {
  await writeFile(path.join(folder, 'a.ics'), lines.join('\r\n'));
  const simulator = await startSimulator({
    messagesPerAccount: 0,
    eventsPerCalendar: 0,
    icsDirectories: [folder],
    nowMs: NOW_MS,
  });
  const imported = simulator.world
    .all()[0]!
    .shelf.current()
    .find((entry) => entry.calendar.summary === 'Imported')!.calendar;
  await simulator.close();
  return {
    events: imported.all().map((event) => ({ ...event.body, deleted: event.deleted })),
    report: simulator.loaded[0]?.files[0],
  };
}

const calendar = (...lines: string[]): string[] => ['BEGIN:VCALENDAR', ...lines, 'END:VCALENDAR'];

test('mails become messages, dated by their header, else the last hop, else a default', async () => {
  await writeFile(
    path.join(folder, '1.eml'),
    'From x@y Mon Jan 1\nDate: Tue, 5 May 2020 10:00:00 +0200 (CEST)\nSubject: dated\n\nx',
  );
  await writeFile(
    path.join(folder, '2.eml'),
    'Received: by mx; Wed, 6 May 2020 10:00:00 +0000\nDate: whenever\nSubject: hop\n\nx',
  );
  await writeFile(path.join(folder, '3.eml'), Buffer.from([0, 255, 13, 13, 0]));
  const simulator = await startSimulator({
    messagesPerAccount: 0,
    emlDirectories: [folder],
    nowMs: NOW_MS,
  });
  const truth = simulator.gmailTruth('user1@demo.example');
  await simulator.close();
  const dates = Object.fromEntries(
    truth.map((message) => [
      message.subject ?? 'none',
      new Date(Number(message.internalDate)).toISOString(),
    ]),
  );
  expect(dates).toEqual({
    dated: '2020-05-05T08:00:00.000Z',
    hop: '2020-05-06T10:00:00.000Z',
    none: '2001-01-01T00:02:00.000Z',
  });
  expect(simulator.loaded).toMatchObject([
    {
      kind: 'eml',
      loaded: 3,
      files: [
        { file: '1.eml', loaded: 1 },
        { file: '2.eml', loaded: 1 },
        { file: '3.eml', loaded: 1 },
      ],
    },
  ]);
});

test('a loaded reply joins the thread that its References name, if the subjects match', async () => {
  const mails = [
    'Message-ID: <1@x>\nSubject: Lunch\n\nx',
    'Message-ID: <2@x>\nIn-Reply-To: <1@x>\nSubject: Re: Lunch\n\nx',
    'Message-ID: <3@x>\nReferences: <other@x>\n <2@x>\nSubject: RE: re: Lunch\n\nx',
    'Message-ID: <4@x>\nReferences: <1@x>\nSubject: Dinner\n\nx',
    'Message-ID: <5@x>\nSubject: Re: Lunch\n\nx',
  ];
  for (const [n, mail] of mails.entries()) await writeFile(path.join(folder, `${n}.eml`), mail);
  const simulator = await startSimulator({ messagesPerAccount: 0, emlDirectories: [folder] });
  const truth = simulator.gmailTruth('user1@demo.example');
  await simulator.close();
  const threadOf = new Map(truth.map(({ messageId, threadId }) => [messageId, threadId]));
  const first = threadOf.get('<1@x>');
  expect(['<2@x>', '<3@x>'].map((id) => threadOf.get(id))).toEqual([first, first]);
  expect(new Set(threadOf.values()).size).toBe(3);
});

test('an mbox is split at From lines after an empty line, and quoted ones are restored', () => {
  const mails = splitMbox(
    Buffer.from(
      'From a\nSubject: 1\n\nhello\nFrom here on\n>From there\n>>From twice\n\nFrom b\nSubject: 2\n\nx\n',
    ),
  );
  expect(mails.map((mail) => mail.toString())).toEqual([
    'Subject: 1\n\nhello\nFrom here on\nFrom there\n>From twice\n',
    'Subject: 2\n\nx\n',
  ]);
});

test('a series becomes a master, its exceptions and cancelled occurrences', async () => {
  const { events, report } = await loadIcs(
    calendar(
      'BEGIN:VEVENT',
      'UID:s',
      'RECURRENCE-ID;TZID=Europe/Berlin:20260302T090000',
      'DTSTART;TZID=Europe/Berlin:20260302T110000',
      'DTEND;TZID=Europe/Berlin:20260302T120000',
      'SUMMARY:Later',
      'END:VEVENT',
      'BEGIN:VEVENT',
      'UID:s',
      'DTSTART;TZID=Europe/Berlin:20260301T090000',
      'DURATION:PT1H',
      'RRULE:FREQ=DAILY;COUNT=5',
      'EXDATE;TZID=Europe/Berlin:20260304T090000',
      'SUMMARY:A long\\, long',
      ' er title',
      'END:VEVENT',
      'BEGIN:VEVENT',
      'UID:s',
      'RECURRENCE-ID;TZID=Europe/Berlin:20260303T090000',
      'DTSTART;TZID=Europe/Berlin:20260303T090000',
      'STATUS:CANCELLED',
      'END:VEVENT',
    ),
  );
  const [master, moved, cancelled] = events;
  expect(master).toMatchObject({
    summary: 'A long, longer title',
    start: { dateTime: '2026-03-01T09:00:00+01:00', timeZone: 'Europe/Berlin' },
    end: { dateTime: '2026-03-01T10:00:00+01:00' },
    recurrence: ['RRULE:FREQ=DAILY;COUNT=5', 'EXDATE;TZID=Europe/Berlin:20260304T090000'],
    iCalUID: 's',
  });
  expect(moved).toMatchObject({
    id: `${master.id}_20260302T080000Z`,
    summary: 'Later',
    recurringEventId: master.id,
    start: { dateTime: '2026-03-02T11:00:00+01:00' },
  });
  expect(cancelled).toMatchObject({
    id: `${master.id}_20260303T080000Z`,
    status: 'cancelled',
    originalStartTime: { dateTime: '2026-03-03T09:00:00+01:00' },
  });
  expect(report).toEqual({ file: 'a.ics', loaded: 3, ignored: [] });
});

test('all-day events, vendor time zones, attendees and alarms are converted as Google does', async () => {
  const { events } = await loadIcs(
    calendar(
      'BEGIN:VEVENT',
      'UID:1',
      'DTSTART;VALUE=DATE:20260105',
      'TRANSP:TRANSPARENT',
      'CLASS:PRIVATE',
      'END:VEVENT',
      'BEGIN:VEVENT',
      'UID:2',
      'DTSTART;TZID="/vendor.example/2024/America/New_York":20260105T080000',
      'ATTENDEE;CN="Doe, Jane";PARTSTAT=ACCEPTED;ROLE=OPT-PARTICIPANT:mailto:Jane@x.example',
      'ATTENDEE:tel:123',
      'STATUS:TENTATIVE',
      'BEGIN:VALARM',
      'ACTION:DISPLAY',
      'TRIGGER:-PT15M',
      'END:VALARM',
      'END:VEVENT',
      'BEGIN:VEVENT',
      'UID:3',
      'DTSTART:20260105T080000Z',
      'STATUS:CANCELLED',
      'END:VEVENT',
    ),
  );
  expect(events[0]).toMatchObject({
    start: { date: '2026-01-05' },
    end: { date: '2026-01-06' },
    transparency: 'transparent',
    visibility: 'private',
  });
  expect(events[1]).toMatchObject({
    status: 'tentative',
    start: { dateTime: '2026-01-05T08:00:00-05:00', timeZone: 'America/New_York' },
    end: { dateTime: '2026-01-05T08:00:00-05:00' },
    attendees: [
      {
        email: 'jane@x.example',
        displayName: 'Doe, Jane',
        optional: true,
        responseStatus: 'accepted',
      },
    ],
    reminders: { useDefault: false, overrides: [{ method: 'popup', minutes: 15 }] },
  });
  expect(events[2]).toMatchObject({ status: 'cancelled', deleted: true });
});

test('components that are not events are reported with a reason; an event without a date gets one', async () => {
  const { events, report } = await loadIcs(
    calendar(
      'BEGIN:VTODO',
      'END:VTODO',
      'BEGIN:VEVENT',
      'DTSTART:20261399',
      'SUMMARY:When?',
      'END:VEVENT',
      'complete nonsense',
    ),
  );
  expect(events).toMatchObject([
    { summary: 'When?', start: { date: '2001-01-01' }, end: { date: '2001-01-02' } },
  ]);
  expect(report).toEqual({
    file: 'a.ics',
    loaded: 1,
    ignored: [
      { what: 'VTODO', reason: 'Google Calendar imports events only' },
      { what: 'DTSTART', reason: 'missing or no date; a fixed day was put in its place' },
    ],
  });
});

test.each([
  // Berlin's rules under an unknown name.
  ['a zone that the file describes', 'Our Zone', '20260705T080000', '2026-07-05T08:00:00+02:00'],
  ['its winter', 'Our Zone', '20260105T080000', '2026-01-05T08:00:00+01:00'],
  ['a zone of Windows', 'Tokyo Standard Time', '20260105T080000', '2026-01-05T08:00:00+09:00'],
  [
    'a zone of Windows in quotes',
    '"W. Europe Standard Time"',
    '20260105T080000',
    '2026-01-05T08:00:00+01:00',
  ],
])('%s is read', async (_, tzid, start, dateTime) => {
  const { events } = await loadIcs(
    calendar(
      'BEGIN:VTIMEZONE',
      'TZID:Our Zone',
      'BEGIN:STANDARD',
      'DTSTART:16011028T030000',
      'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU',
      'TZOFFSETFROM:+0200',
      'TZOFFSETTO:+0100',
      'END:STANDARD',
      'BEGIN:DAYLIGHT',
      'DTSTART:16010325T020000',
      'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU',
      'TZOFFSETFROM:+0100',
      'TZOFFSETTO:+0200',
      'END:DAYLIGHT',
      'END:VTIMEZONE',
      'BEGIN:VEVENT',
      'UID:1',
      `DTSTART;TZID=${tzid}:${start}`,
      'END:VEVENT',
    ),
  );
  expect(events).toMatchObject([{ start: { dateTime } }]);
  expect(events[0].start.timeZone).not.toContain('Our');
});

test('loads the version of an event with the highest SEQUENCE', async () => {
  const version = (sequence: number, summary: string): string[] => [
    'BEGIN:VEVENT',
    'UID:v',
    'DTSTART:20260105T080000Z',
    'RRULE:FREQ=DAILY;COUNT=2',
    `SEQUENCE:${sequence}`,
    `SUMMARY:${summary}`,
    'END:VEVENT',
  ];
  const { events, report } = await loadIcs(
    calendar(...version(1, 'old'), ...version(12, 'new'), ...version(3, 'older')),
  );
  expect(events.map(({ summary }) => summary)).toEqual(['new']);
  expect(report).toMatchObject({ loaded: 1, ignored: [{ what: 'VEVENT' }, { what: 'VEVENT' }] });
});

test("an occurrence of an all-day series that is named by a time is that day's", async () => {
  const { events } = await loadIcs(
    calendar(
      'BEGIN:VEVENT',
      'UID:d',
      'DTSTART;VALUE=DATE:20260105',
      'RRULE:FREQ=DAILY;COUNT=3',
      'END:VEVENT',
      'BEGIN:VEVENT',
      'UID:d',
      'RECURRENCE-ID;TZID=Europe/Berlin:20260106T000000',
      'DTSTART;VALUE=DATE:20260110',
      'END:VEVENT',
    ),
  );
  expect(events[1]).toMatchObject({
    id: `${events[0].id}_20260106`,
    originalStartTime: { date: '2026-01-06' },
    start: { date: '2026-01-10' },
  });
});

test('a long line of parameters without a colon is read in linear time', async () => {
  const linesOf = (bytes: number): string[] => {
    const line = `DTSTART${';a=  '.repeat(bytes / 5)}`;
    return calendar('BEGIN:VEVENT', line, 'DTSTART:20260105', 'END:VEVENT');
  };
  const fileOf = (bytes: number): Buffer => Buffer.from(linesOf(bytes).join('\r\n'));
  expect(growthOf(fileOf, parseIcs)).toBeLessThan(LINEAR);
  const { report } = await loadIcs(linesOf(1_000_000));
  expect(report).toMatchObject({ loaded: 1 });
});
