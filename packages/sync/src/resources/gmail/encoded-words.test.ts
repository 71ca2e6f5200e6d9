import fc from 'fast-check';
import { growthOf, LINEAR } from '../../../../../test/support/growth.js';
import { addressesIn } from './addresses.js';
import { decodeHeader } from './encoded-words.js';

const b64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64');

test.each([
  ['=?utf-8?q?a?= =?utf-8?q?b?=', 'ab'],
  ['=?utf-8?q?a?= =?iso-8859-1?q?=F6?=  c', 'aö  c'],
  ['plain text', 'plain text'],
  ['folded\r\n here', 'folded here'],
  ['=?utf-8?q?a?=\r\n\t=?utf-8?b?Yg==?=', 'ab'],
  // Raw characters within, and a wrong declaration.
  ['=?iso-8859-1?Q?Frösche?=', 'Frösche'],
  ['=?iso-8859-1?Q?Fr=F6sche_über?=', 'Frösche über'],
  ['=?us-ascii?Q?=C3=B6?=', 'ö'],
  ['=?koi8-r?Q?=C3=B6?=', 'ö'],
  [`=?gb2312?B?${b64('您的账户')}?=`, '您的账户'],
  // Unusual names.
  ['=?unknown-8bit?Q?=F6=E4?=', 'öä'],
  ['=?unknown-8bit?Q?=C3=B6?=', 'ö'],
  ['=?ANSI_X3.4-1968?Q?=C3=B6?=', 'ö'],
  ['=?ISO_8859-1:1987?Q?=F6?=', 'ö'],
  ['=?base64?B?SGVsbG8=?=', 'Hello'],
  ['=?x-unknown?B?/w==?=', 'ÿ'],
  ['=??Q?a=20b?=', 'a b'],
  ['=?utf-8*en?Q?caf=C3=A9?=', 'café'],
  ['=?"utf-8"?Q?caf=C3=A9?=', 'café'],
  ["=?'koi8-r'?Q?=C1?=", 'а'],
  ['=? utf-8 ?Q?caf=C3=A9?=', 'café'],
  ['=?windows 1251?Q?=CF?=', 'П'],
  // Question marks that were left as they are.
  ['=?utf-8?Q?a?b?= =?utf-8?Q?c?=', 'a?bc'],
  ['=?utf-8?Q?Really??=', 'Really?'],
  ['=?utf-8?Q?Really?_Yes_=C3=A9_=3D??= x', 'Really? Yes é =? x'],
  ['=?utf-8?Q?Really?=C3=A9?= x', 'Really?é x'],
  ['=?utf-8?Q?a?=C3 and b?=', 'aC3 and b?='],
  ['=?utf-8?Q?a?==?utf-8?Q?b?=', 'ab'],
  // Characters split between two words.
  ['=?utf-8?Q?=E2=82?= =?UTF8?B?rA==?=', '€'],
  ['=?gbk?B?xOM=?= =?gbk?B?ug==?= =?gbk?B?ww==?=', '你好'],
  ['=?ISO-2022-JP?B?GyRCRnwbKEI=?= =?ISO-2022-JP?B?GyRCS1wbKEI=?=', '日本'],
  ['=?ISO-2022-JP?B?GyRCRg==?= =?ISO-2022-JP?B?fBsoQg==?=', '日'],
  // Base64 that is split between words at any character.
  ['=?utf-8?B?5oKo55qE6LSm5oi?= =?utf-8?B?3?=', '您的账户'],
  ['=?utf-8?B?5oKo55qE6L?=\r\n =?utf-8?B?Sm5oi3?=', '您的账户'],
  ['=?utf-8?B?YWI=?= =?utf-8?B?Yw?= =?utf-8?Q?d?=', 'abcd'],
  // Text that is not an encoded word is unchanged.
  ['=?utf-8?X?abc?=', '=?utf-8?X?abc?='],
  ['=?utf-8?Q?abc', '=?utf-8?Q?abc'],
  ['=?utf-8?Q?a=? =?utf-8?Q?c?=', '=?utf-8?Q?a=? c'],
  ['=?utf-8?Q?a? b', '=?utf-8?Q?a? b'],
  ['=?=?utf-8?Q?c?=', '=?c'],
  ['=?utf-8?Q??=x', 'x'],
  ['=?utf-8?B?SGV_!sbG8=?=', expect.any(String)],
  ['=?utf-8?B?SGVs?=bG8=', 'HelbG8='],
  ['=?utf-8?B?SGVs=bG8=?=', 'Hello'],
])('%j is read as %j', (raw, text) => {
  expect(decodeHeader(raw)).toEqual(text);
});

test('decodes display names by the same rules, and none of their characters is taken for address syntax', () => {
  const value =
    '=?ANSI_X3.4-1968?Q?Fr=C3=B6sche,_<x@y.example>?= <a@b.example>, =?iso-8859-1?Q?Frösche?= <c@d.example>';
  expect(addressesIn([{ name: 'To', value }])).toEqual({
    to: [
      { name: 'Frösche, <x@y.example>', address: 'a@b.example' },
      { name: 'Frösche', address: 'c@d.example' },
    ],
  });
});

test('a question mark in a display name ends no address', () => {
  const value = '=?utf-8?Q?Really?,_<x@y.example>?= <a@b.example>, c@d.example';
  expect(addressesIn([{ name: 'To', value }])).toEqual({
    to: [
      { name: 'Really?, <x@y.example>', address: 'a@b.example' },
      { name: null, address: 'c@d.example' },
    ],
  });
});

test('decoding a header never throws, and text without encoded words is unchanged', () => {
  const pieces = fc.constantFrom(
    '=?',
    '?=',
    '?',
    '=',
    'utf-8',
    'Q',
    '?b?',
    '?Q?',
    ' ',
    '=E2',
    'ö',
    '日',
    '\0',
    'x',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(pieces).map((all) => all.join('')),
      ),
      (header) => {
        const text = decodeHeader(header);
        expect(/=\?|[\r\n]/.test(header) ? typeof text : text).toBe(
          /=\?|[\r\n]/.test(header) ? 'string' : header,
        );
      },
    ),
    { numRuns: 3_000 },
  );
});

test.each([
  ['beginnings of words', '=?'],
  ['words that do not end', '=?utf-8?Q?x'],
  ['words with question marks that do not end', '=?utf-8?Q?x? '],
  ['question marks before escapes', '=?utf-8?Q?x?=AAx'],
  ['words', '=?utf-8?Q?=C3=B6?= '],
  ['question marks', '?'],
  ['blanks within words', '=?utf-8?Q?=      '],
])('a header of a megabyte of %s is read in linear time', (_, piece) => {
  const headerOf = (bytes: number): string => piece.repeat(Math.ceil(bytes / piece.length));
  expect(growthOf(headerOf, decodeHeader)).toBeLessThan(LINEAR);
  const value = headerOf(1_000_000);
  expect(decodeHeader(value).length).toBeLessThanOrEqual(value.length);
});
