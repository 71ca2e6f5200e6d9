/**
 * The examples of RFC 5545, 3.8.5.3, with the occurrences that its text names (for endless ones,
 * those up to `to`).
 */
export interface RecurrenceExample {
  says: string;
  lines: string[];
  /** Local start in America/New_York; the RFC's own is 2 September 1997, 9:00. */
  start?: string;
  to?: string;
  /** `YYYY-MM` followed by days, or a full local time. The time is 9:00 by default. */
  gives: string[];
}

const THANKSGIVING_RANGE = '1998-12-31';

export const RFC_EXAMPLES: readonly RecurrenceExample[] = [
  {
    says: 'daily for 10 occurrences',
    lines: ['RRULE:FREQ=DAILY;COUNT=10'],
    gives: ['1997-09 2,3,4,5,6,7,8,9,10,11'],
  },
  {
    says: 'daily until a date',
    lines: ['RRULE:FREQ=DAILY;UNTIL=19970910T130000Z'],
    gives: ['1997-09 2,3,4,5,6,7,8,9,10'],
  },
  {
    says: 'every other day',
    lines: ['RRULE:FREQ=DAILY;INTERVAL=2'],
    to: '1997-10-05',
    gives: ['1997-09 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30', '1997-10 2,4'],
  },
  {
    says: 'every 10 days, 5 occurrences',
    lines: ['RRULE:FREQ=DAILY;INTERVAL=10;COUNT=5'],
    gives: ['1997-09 2,12,22', '1997-10 2,12'],
  },
  {
    says: 'every day in January, by year',
    start: '1998-01-01T09:00',
    lines: ['RRULE:FREQ=YEARLY;UNTIL=19980110T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA'],
    gives: ['1998-01 1,2,3,4,5,6,7,8,9,10'],
  },
  {
    says: 'every day in January, by day',
    start: '1998-01-30T09:00',
    lines: ['RRULE:FREQ=DAILY;UNTIL=19990102T140000Z;BYMONTH=1'],
    gives: ['1998-01 30,31', '1999-01 1,2'],
  },
  {
    says: 'weekly for 10 occurrences',
    lines: ['RRULE:FREQ=WEEKLY;COUNT=10'],
    gives: ['1997-09 2,9,16,23,30', '1997-10 7,14,21,28', '1997-11 4'],
  },
  {
    says: 'every other week',
    lines: ['RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=SU'],
    to: '1998-01-14',
    gives: ['1997-09 2,16,30', '1997-10 14,28', '1997-11 11,25', '1997-12 9,23', '1998-01 6'],
  },
  {
    says: 'weekly on Tuesday and Thursday for five weeks, until',
    lines: ['RRULE:FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH'],
    gives: ['1997-09 2,4,9,11,16,18,23,25,30', '1997-10 2'],
  },
  {
    says: 'weekly on Tuesday and Thursday for five weeks, by count',
    lines: ['RRULE:FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH'],
    gives: ['1997-09 2,4,9,11,16,18,23,25,30', '1997-10 2'],
  },
  {
    says: 'every other week on Monday, Wednesday and Friday',
    start: '1997-09-01T09:00',
    lines: ['RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=19971003T000000Z;WKST=SU;BYDAY=MO,WE,FR'],
    gives: ['1997-09 1,3,5,15,17,19,29', '1997-10 1'],
  },
  {
    says: 'every other week on Tuesday and Thursday, 8 occurrences',
    lines: ['RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH'],
    gives: ['1997-09 2,4,16,18,30', '1997-10 2,14,16'],
  },
  {
    says: 'monthly on the first Friday',
    start: '1997-09-05T09:00',
    lines: ['RRULE:FREQ=MONTHLY;COUNT=5;BYDAY=1FR'],
    gives: ['1997-09 5', '1997-10 3', '1997-11 7', '1997-12 5', '1998-01 2'],
  },
  {
    says: 'monthly on the first Friday, until',
    start: '1997-09-05T09:00',
    lines: ['RRULE:FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR'],
    gives: ['1997-09 5', '1997-10 3', '1997-11 7', '1997-12 5'],
  },
  {
    says: 'every other month on the first and last Sunday',
    start: '1997-09-07T09:00',
    lines: ['RRULE:FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU'],
    gives: ['1997-09 7,28', '1997-11 2,30', '1998-01 4,25', '1998-03 1,29', '1998-05 3,31'],
  },
  {
    says: 'monthly on the second-to-last Monday',
    start: '1997-09-22T09:00',
    lines: ['RRULE:FREQ=MONTHLY;COUNT=6;BYDAY=-2MO'],
    gives: ['1997-09 22', '1997-10 20', '1997-11 17', '1997-12 22', '1998-01 19', '1998-02 16'],
  },
  {
    says: 'monthly on the third-to-last day',
    start: '1997-09-28T09:00',
    lines: ['RRULE:FREQ=MONTHLY;BYMONTHDAY=-3'],
    to: '1998-03-01',
    gives: ['1997-09 28', '1997-10 29', '1997-11 28', '1997-12 29', '1998-01 29', '1998-02 26'],
  },
  {
    says: 'monthly on the 2nd and 15th',
    lines: ['RRULE:FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15'],
    gives: ['1997-09 2,15', '1997-10 2,15', '1997-11 2,15', '1997-12 2,15', '1998-01 2,15'],
  },
  {
    says: 'monthly on the first and last day',
    start: '1997-09-30T09:00',
    lines: ['RRULE:FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1'],
    gives: [
      '1997-09 30',
      '1997-10 1,31',
      '1997-11 1,30',
      '1997-12 1,31',
      '1998-01 1,31',
      '1998-02 1',
    ],
  },
  {
    says: 'every 18 months on the 10th to the 15th',
    start: '1997-09-10T09:00',
    lines: ['RRULE:FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15'],
    gives: ['1997-09 10,11,12,13,14,15', '1999-03 10,11,12,13'],
  },
  {
    says: 'every Tuesday, every other month',
    lines: ['RRULE:FREQ=MONTHLY;INTERVAL=2;BYDAY=TU'],
    to: '1998-04-01',
    gives: [
      '1997-09 2,9,16,23,30',
      '1997-11 4,11,18,25',
      '1998-01 6,13,20,27',
      '1998-03 3,10,17,24,31',
    ],
  },
  {
    says: 'yearly in June and July',
    start: '1997-06-10T09:00',
    lines: ['RRULE:FREQ=YEARLY;COUNT=10;BYMONTH=6,7'],
    gives: [
      '1997-06 10',
      '1997-07 10',
      '1998-06 10',
      '1998-07 10',
      '1999-06 10',
      '1999-07 10',
      '2000-06 10',
      '2000-07 10',
      '2001-06 10',
      '2001-07 10',
    ],
  },
  {
    says: 'every other year in January, February and March',
    start: '1997-03-10T09:00',
    lines: ['RRULE:FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3'],
    gives: [
      '1997-03 10',
      '1999-01 10',
      '1999-02 10',
      '1999-03 10',
      '2001-01 10',
      '2001-02 10',
      '2001-03 10',
      '2003-01 10',
      '2003-02 10',
      '2003-03 10',
    ],
  },
  {
    says: 'every third year on the 1st, 100th and 200th day',
    start: '1997-01-01T09:00',
    lines: ['RRULE:FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200'],
    gives: [
      '1997-01 1',
      '1997-04 10',
      '1997-07 19',
      '2000-01 1',
      '2000-04 9',
      '2000-07 18',
      '2003-01 1',
      '2003-04 10',
      '2003-07 19',
      '2006-01 1',
    ],
  },
  {
    says: 'every 20th Monday of the year',
    start: '1997-05-19T09:00',
    lines: ['RRULE:FREQ=YEARLY;BYDAY=20MO'],
    to: '1999-12-31',
    gives: ['1997-05 19', '1998-05 18', '1999-05 17'],
  },
  {
    says: 'Monday of week number 20',
    start: '1997-05-12T09:00',
    lines: ['RRULE:FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO'],
    to: '1999-12-31',
    gives: ['1997-05 12', '1998-05 11', '1999-05 17'],
  },
  {
    says: 'every Thursday in March',
    start: '1997-03-13T09:00',
    lines: ['RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=TH'],
    to: '1999-12-31',
    gives: ['1997-03 13,20,27', '1998-03 5,12,19,26', '1999-03 4,11,18,25'],
  },
  {
    says: 'every Thursday in June, July and August',
    start: '1997-06-05T09:00',
    lines: ['RRULE:FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8'],
    to: '1997-12-31',
    gives: ['1997-06 5,12,19,26', '1997-07 3,10,17,24,31', '1997-08 7,14,21,28'],
  },
  {
    says: 'every Friday the 13th',
    lines: [
      'EXDATE;TZID=America/New_York:19970902T090000',
      'RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13',
    ],
    to: '2000-12-31',
    gives: ['1998-02 13', '1998-03 13', '1998-11 13', '1999-08 13', '2000-10 13'],
  },
  {
    says: 'the first Saturday after the first Sunday',
    start: '1997-09-13T09:00',
    lines: ['RRULE:FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13'],
    to: '1998-06-30',
    gives: [
      '1997-09 13',
      '1997-10 11',
      '1997-11 8',
      '1997-12 13',
      '1998-01 10',
      '1998-02 7',
      '1998-03 7',
      '1998-04 11',
      '1998-05 9',
      '1998-06 13',
    ],
  },
  {
    says: 'U.S. Presidential Election day',
    start: '1996-11-05T09:00',
    lines: ['RRULE:FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8'],
    to: '2004-12-31',
    gives: ['1996-11 5', '2000-11 7', '2004-11 2'],
  },
  {
    says: 'the third Tuesday, Wednesday or Thursday of the month',
    start: '1997-09-04T09:00',
    lines: ['RRULE:FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3'],
    gives: ['1997-09 4', '1997-10 7', '1997-11 6'],
  },
  {
    says: 'the second-to-last weekday of the month',
    start: '1997-09-29T09:00',
    lines: ['RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2'],
    to: '1998-03-31',
    gives: [
      '1997-09 29',
      '1997-10 30',
      '1997-11 27',
      '1997-12 30',
      '1998-01 29',
      '1998-02 26',
      '1998-03 30',
    ],
  },
  {
    says: 'every 3 hours from 9 to 5 of a day',
    lines: ['RRULE:FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z'],
    gives: ['1997-09-02T09:00', '1997-09-02T12:00', '1997-09-02T15:00'],
  },
  {
    says: 'every 15 minutes for 6 occurrences',
    lines: ['RRULE:FREQ=MINUTELY;INTERVAL=15;COUNT=6'],
    gives: [
      '1997-09-02T09:00',
      '1997-09-02T09:15',
      '1997-09-02T09:30',
      '1997-09-02T09:45',
      '1997-09-02T10:00',
      '1997-09-02T10:15',
    ],
  },
  {
    says: 'every hour and a half for 4 occurrences',
    lines: ['RRULE:FREQ=MINUTELY;INTERVAL=90;COUNT=4'],
    gives: ['1997-09-02T09:00', '1997-09-02T10:30', '1997-09-02T12:00', '1997-09-02T13:30'],
  },
  {
    says: 'every 20 minutes from 9:00 to 16:40, by day',
    lines: ['RRULE:FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40'],
    to: '1997-09-03',
    gives: everyTwentyMinutes(),
  },
  {
    says: 'every 20 minutes from 9:00 to 16:40, by minute',
    lines: ['RRULE:FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16'],
    to: '1997-09-03',
    gives: everyTwentyMinutes(),
  },
  {
    says: 'where the first day of the week makes a difference: Monday',
    start: '1997-08-05T09:00',
    lines: ['RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO'],
    gives: ['1997-08 5,10,19,24'],
  },
  {
    says: 'where the first day of the week makes a difference: Sunday',
    start: '1997-08-05T09:00',
    lines: ['RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU'],
    gives: ['1997-08 5,17,19,31'],
  },
  {
    says: 'an invalid date (30 February) is ignored',
    start: '2007-01-15T09:00',
    lines: ['RRULE:FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5'],
    gives: ['2007-01 15,30', '2007-02 15', '2007-03 15,30'],
  },
  {
    says: 'Thanksgiving, from the text on BYDAY with ordinals',
    start: '1997-11-27T09:00',
    lines: ['RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH'],
    to: THANKSGIVING_RANGE,
    gives: ['1997-11 27', '1998-11 26'],
  },
  {
    says: 'the last work day of the month, from the text on BYSETPOS',
    start: '1997-09-30T09:00',
    lines: ['RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1'],
    to: '1998-01-01',
    gives: ['1997-09 30', '1997-10 31', '1997-11 28', '1997-12 31'],
  },
];

/** Returns the local starts of an example, `YYYY-MM-DDTHH:MM`. */
export function startsOf(example: RecurrenceExample): string[] {
  return example.gives.flatMap((item) => {
    const [month = '', days] = item.split(' ');
    return days === undefined
      ? [item]
      : days.split(',').map((day) => `${month}-${day.padStart(2, '0')}T09:00`);
  });
}

function everyTwentyMinutes(): string[] {
  return Array.from(
    { length: 24 },
    (_, i) =>
      `1997-09-02T${String(9 + Math.floor(i / 3)).padStart(2, '0')}:${String((i % 3) * 20).padStart(2, '0')}`,
  );
}
