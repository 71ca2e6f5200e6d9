import { expandInstances } from './instances.js';
import { readRule } from './rule.js';
import { knownZone } from './zones.js';

/*
 * Names of properties that every JavaScript object has, in places where Google or a person may
 * write them.
 */

test.each([
  '__proto__',
  'constructor',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
])('the word %s is not taken for a time zone or a rule, and expands as any other word', (word) => {
  expect(knownZone(word)).toBeNull();
  expect(readRule(`RRULE:FREQ=${word}`)).toBeNull();
  const event = {
    id: word,
    status: word,
    start: { dateTime: '2027-01-01T09:00:00Z', timeZone: word },
    end: { dateTime: '2027-01-01T10:00:00Z', timeZone: word },
    recurrence: [`RRULE:FREQ=DAILY;COUNT=2`, `EXDATE;TZID=${word}:20270102T090000`],
    [word]: word,
  };
  const range = {
    timeMinMs: Date.parse('2027-01-01T00:00:00Z'),
    timeMaxMs: Date.parse('2027-02-01T00:00:00Z'),
    defaultZone: word,
  };
  expect(expandInstances([event], range).items.length).toBeGreaterThan(0);
});
