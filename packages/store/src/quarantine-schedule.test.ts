import { retryDelaysMs, type QuarantineCause } from './quarantine-schedule.js';

const MINUTE_MS = 60_000;

test.each<[QuarantineCause, (number | null)[]]>([
  ['crash', [1, 60, null]],
  ['not-read', [60, 360, 1_440]],
  ['not-understood', [60, 360, 1_440]],
  ['row-refused', [60, 360, 1_440]],
  ['unstorable-id', [null]],
])(
  '%s is tried again after %j minutes, and the last of them holds from then on',
  (cause, minutes) => {
    expect(retryDelaysMs(cause)).toEqual(
      minutes.map((delay) => (delay === null ? null : delay * MINUTE_MS)),
    );
  },
);
