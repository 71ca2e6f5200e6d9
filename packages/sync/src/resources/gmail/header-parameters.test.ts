import fc from 'fast-check';
import { growthOf, LINEAR } from '../../../../../test/support/growth.js';
import { readParameters } from './header-parameters.js';

test.each([
  ['text/plain; charset="utf-8"; x=1', 'charset', 'utf-8'],
  ['text/plain;charset=UTF-8', 'charset', 'UTF-8'],
  ['text/plain; charset = "utf-8"', 'charset', 'utf-8'],
  ['text/plain; charset=utf-8 (by hand)', 'charset', 'utf-8'],
  ['text/plain (charset=x); charset=utf-8', 'charset', 'utf-8'],
  ['text/plain; name="a; charset=x"; charset=utf-8', 'charset', 'utf-8'],
  ['text/plain; charset="utf-8; format=flowed"', 'charset', 'utf-8; format=flowed'],
  ['text/plain; charset="a\\"b"', 'charset', 'a"b'],
  ['text/plain; charset="open', 'charset', 'open'],
  ['text/plain; charset=first; charset=second', 'charset', 'first'],
  ["text/plain; charset*=us-ascii'en'koi8-r", 'charset', 'koi8-r'],
  ['text/plain', 'charset', undefined],
  ['', 'charset', undefined],
  ["attachment; filename*=UTF-8''na%C3%AFve.txt", 'filename', 'naïve.txt'],
  ["attachment; filename*=iso-8859-1'de'%FC.txt", 'filename', 'ü.txt'],
  ["attachment; filename*=iso-8859-1''%C3%BC.txt", 'filename', 'ü.txt'],
  ["attachment; filename*=unknown-8bit''%FC.txt", 'filename', 'ü.txt'],
  ["attachment; filename*=ISO-2022-JP''%1B$BF|%1B(B.txt", 'filename', '日.txt'],
  [
    'attachment; filename*0*=utf-8\'\'%E2%82; filename*1*=%AC; filename*2="-b.txt"',
    'filename',
    '€-b.txt',
  ],
  ['attachment; filename*1=b; filename*0=a; filename*2=c', 'filename', 'abc'],
  ["attachment; filename=plain.txt; filename*=UTF-8''%C3%BC.txt", 'filename', 'ü.txt'],
  ["attachment; filename*=UTF-8''%C3%BC.txt; filename=plain.txt", 'filename', 'ü.txt'],
  ['attachment; filename="=?iso-8859-1?Q?=FC?=.txt"', 'filename', 'ü.txt'],
  ['attachment; filename=a(1).pdf', 'filename', 'a(1).pdf'],
])('%s: %s is %j', (header, name, value) => {
  expect(readParameters(header).parameters.get(name)).toBe(value);
});

test.each([
  ['attachment', 'attachment'],
  [' ATTACHMENT ; filename=x', 'attachment'],
  ['"attachment"; filename=x', 'attachment'],
  ['(saved) attachment', 'attachment'],
  ['attachment filename=x', 'attachment'],
  ['; filename=attachment', ''],
  ['inline; filename="attachment"', 'inline'],
])('the value of %j is %j', (header, value) => {
  expect(readParameters(header).value).toBe(value);
});

test('reading a header never throws', () => {
  const pieces = fc.constantFrom(
    ';',
    '=',
    '"',
    '\\',
    '(',
    ')',
    '*',
    '*0',
    "'",
    '%',
    '%E2',
    'name',
    ' ',
    'ö',
  );
  fc.assert(
    fc.property(fc.array(pieces), (header) => {
      expect(readParameters(header.join('')).parameters).toBeInstanceOf(Map);
    }),
    { numRuns: 3_000 },
  );
});

test.each(['(', '"\\', ';', '(a\\(', '; name*0=x', ' (a)'])(
  'a header of a megabyte of %j is read in linear time',
  (piece) => {
    const headerOf = (bytes: number): string => piece.repeat(Math.ceil(bytes / piece.length));
    expect(growthOf(headerOf, readParameters)).toBeLessThan(LINEAR);
    // Of longer headers only the beginning is read.
    expect(growthOf(headerOf, readParameters, 65_000)).toBeLessThan(LINEAR);
    expect(readParameters(headerOf(1_000_000))).toBeDefined();
  },
);
