import fc from 'fast-check';
import { withColumnValues, withoutColumnValues, type HeaderColumns } from './header-values.js';

const COLUMNS: HeaderColumns = {
  subject: 'Lunch',
  from: 'Ada <ada@example.com>',
  to: 'bob@example.com',
  cc: null,
  date: 'Mon, 30 Nov 2026 10:00:00 +0000',
  messageId: '<1@example.com>',
};

test('a header that a column holds unchanged has its name only, in its place', () => {
  const headers = [
    { name: 'Received', value: 'from mx.example.com' },
    { name: 'SUBJECT', value: 'Lunch' },
    { name: 'From', value: '=?utf-8?Q?Ada?= <ada@example.com>' },
    { name: 'Subject', value: 'Lunch' },
  ];
  expect(withoutColumnValues(headers, COLUMNS)).toEqual([
    { name: 'Received', value: 'from mx.example.com' },
    { name: 'SUBJECT' },
    { name: 'From', value: '=?utf-8?Q?Ada?= <ada@example.com>' },
    { name: 'Subject', value: 'Lunch' },
  ]);
});

test('reading restores every header, whatever its name, number and value', () => {
  const name = fc.constantFrom('From', 'TO', 'cc', 'Subject', 'Date', 'Message-ID', 'X-Other', '');
  const value = fc.oneof(fc.string(), fc.constantFrom(...Object.values(COLUMNS)));
  const header = fc.record({ name, value: value.map((text) => text ?? '') });
  fc.assert(
    fc.property(fc.array(header), (headers) => {
      const stored = withoutColumnValues(headers, COLUMNS);
      expect(withColumnValues(stored, COLUMNS)).toEqual(headers);
    }),
  );
});
