import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { charsetOf, decodeText } from './charset.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** A charset, a text that it can represent, and the text's bytes in it. */
const SAMPLES: readonly [charset: string, text: string, bytes: Buffer][] = [
  ...(
    [
      ['iso-8859-1', 'Grüße aus dem Café'],
      ['windows-1252', '“naïve” – 5 €'],
      ['iso-8859-2', 'žluťoučký kůň'],
      ['iso-8859-7', 'Ελληνικά'],
      ['iso-8859-15', '5 € Œuvre'],
      ['windows-1251', 'Привет, мир'],
      ['windows-1255', 'שלום'],
      ['windows-1256', 'مرحبا'],
      ['koi8-r', 'Привет, мир'],
      ['koi8-u', 'Їжак і ґанок'],
      ['macintosh', 'Grüße'],
      ['gbk', '您的账户'],
      ['gb18030', '您的账户 🎉'],
      ['gb2312', '你好，世界'],
      ['big5', '歡迎光臨'],
      ['euc-kr', '안녕하세요'],
      ['euc-jp', '日本語のテスト'],
      ['shift_jis', '日本語のテスト'],
      ['cp932', '①日本語'],
      ['tis-620', 'สวัสดี'],
      ['utf-16le', '您的账户 café 5'],
      ['utf-16be', 'Привет, мир'],
      ['utf-32le', 'Grüße 🎉'],
      ['utf-7', 'Grüße 日本語'],
    ] as const
  ).map(([charset, text]): [string, string, Buffer] => [
    charset,
    text,
    iconv.encode(text, charset),
  ]),
  ['utf-16', '日本語 text', iconv.encode('日本語 text', 'utf-16be', { addBOM: true })],
  ['utf-16', '日本語 text', iconv.encode('日本語 text', 'utf-16le', { addBOM: true })],
  ['utf-16', 'Привет', iconv.encode('Привет', 'utf-16be')],
  ['utf-16', '您的账户已经开通', iconv.encode('您的账户已经开通', 'utf-16be')],
  ['utf-16', '您的账户已经开通', iconv.encode('您的账户已经开通', 'utf-16le')],
  ['utf-16', 'é', iconv.encode('é', 'utf-16be')],
  ['utf-16', 'é', iconv.encode('é', 'utf-16le')],
  ['utf-16', 'Hello', iconv.encode('Hello', 'utf-16be')],
  ['utf-16', 'Hello', iconv.encode('Hello', 'utf-16le')],
  [
    'utf-16le',
    'marked the other way',
    iconv.encode('marked the other way', 'utf-16be', { addBOM: true }),
  ],
  ['iso-2022-jp', '日本語 abc', hex('1b2442 467c 4b5c 386c 1b2842 20616263')],
  ['iso-2022-kr', '한글 abc\n가', hex('1b242943 0e 4751 315b 0f 20616263 0a 0e 3021 0f')],
  ['hz-gb-2312', '您好~ abc', Buffer.from('~{Dz:C~}~~ abc')],
];

test.each(SAMPLES)(
  '%s: %s is read in its charset, and as UTF-8 where Gmail has recoded it',
  (charset, text, bytes) => {
    expect(decodeText(bytes, charset)).toBe(text);
    expect(decodeText(Buffer.from(text), charset)).toBe(text);
    expect(decodeText(bytes, `"${charset.toUpperCase()}; format=flowed"`)).toBe(text);
  },
);

test('decodes every text that a charset can encode, in that charset and recoded to UTF-8', () => {
  const encodable = SAMPLES.map(([charset]) => charset).filter(
    (charset) => iconv.encodingExists(charset) && charsetOf(charset).shape === 'eight-bit',
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...encodable),
      fc.array(fc.constantFrom(...SAMPLES.flatMap(([, text]) => Array.from(text)))),
      (charset, characters) => {
        const text = characters
          .filter(
            (character) => iconv.decode(iconv.encode(character, charset), charset) === character,
          )
          .join('');
        const bytes = iconv.encode(text, charset);
        // Some short texts are valid UTF-8 by chance and are then read as UTF-8.
        expect(isUtf8(bytes) || decodeText(bytes, charset) === text).toBe(true);
        expect(decodeText(Buffer.from(text), charset)).toBe(text);
      },
    ),
    { numRuns: 1_000 },
  );
});

test.each([
  'us-ascii',
  'ASCII',
  'ANSI_X3.4-1968',
  'ansi_x3.4-1986',
  'csASCII',
  'iso646-us',
  'cp367',
  'us',
  'iso-8859-1',
  'ISO_8859-1:1987',
  'iso_8859-1',
  'latin-1',
  'latin_1',
  'Latin1',
  'l1',
  'cp819',
  'iso-8859-1-windows-3.1-latin-1',
  'cp-1252',
  'x-ansi',
  "'iso-8859-1'",
  'iso-8859-1*en',
  'base64',
  'hex',
  'binary',
  '8bit',
  'quoted-printable',
  'unknown-8bit',
  'x-unknown',
  'none',
  '',
  ' ',
  '"',
  '\0',
  'constructor',
  '__proto__',
  'toString',
  'utf-7-imap',
  'x-user-defined',
  null,
])('bytes declared as %j are UTF-8 where they can be, windows-1252 otherwise', (charset) => {
  expect(decodeText(Buffer.from('Grün'), charset)).toBe('Grün');
  expect(decodeText(hex('93 4772fc6e 94 80'), charset)).toBe('“Grün”€');
  expect(decodeText(Buffer.from('SGVsbG8='), charset)).toBe('SGVsbG8=');
});

test.each([
  [Buffer.from('\ufeffcafé'), 'utf-8', 'café'],
  [Buffer.from('\ufeffcafé'), null, 'café'],
  [Buffer.from('\ufeffcafé'), 'iso-8859-1', 'café'],
  [hex('61 ff 62'), 'utf-8', 'a\ufffdb'],
  [hex('61 ff 62'), 'utf_8', 'a\ufffdb'],
  [hex('c7d1 b1db'), 'ks_c_5601-1987', '한글'],
  [hex('c4e3 bac3'), 'GB_2312-80', '你好'],
  [hex('93fa 967b'), 'Windows-31J', '日本'],
  [Buffer.from('plain ~{ and \x1b'), 'us-ascii', 'plain ~{ and \x1b'],
  [Buffer.from('Hello'), 'utf-16', 'Hello'],
  [Buffer.from(''), 'utf-16', ''],
])('%j declared as %j is %j', (bytes, charset, text) => {
  expect(decodeText(bytes, charset)).toBe(text);
});

/** Names that are no registered ones, and the charset that each means. */
const ALIASES: readonly [alias: string, charset: string][] = [
  ['ansi-1251', 'windows-1251'],
  ['windows 1251', 'windows-1251'],
  ['win_1251', 'windows-1251'],
  ['x-cp1251', 'windows-1251'],
  ['cp-1255', 'windows-1255'],
  ['MS-1256', 'windows-1256'],
  ['iso-8859-2-windows-latin-2', 'iso-8859-2'],
  ['ISO8859-7:1987', 'iso-8859-7'],
  ['iso-8859-15 format=flowed', 'iso-8859-15'],
  ['sjis-win', 'shift_jis'],
  ['eucJP-win', 'euc-jp'],
  ['CP51932', 'euc-jp'],
  ['cp949', 'euc-kr'],
  ['x-windows-949', 'euc-kr'],
  ['cp936', 'gbk'],
  ['cp950', 'big5'],
  ['unicode-1-1-utf-7', 'utf-7'],
  ['cp65000', 'utf-7'],
  ['iso-2022-jp-2004', 'iso-2022-jp'],
];

test.each(
  ALIASES.flatMap(([alias, charset]) =>
    SAMPLES.filter(([name]) => name === charset).map(
      ([, text, bytes]): [string, string, Buffer] => [alias, text, bytes],
    ),
  ),
)('declared as %s, %s is read in the charset that the name means', (alias, text, bytes) => {
  expect(decodeText(bytes, alias)).toBe(text);
  expect(decodeText(bytes, `"${alias.toUpperCase()}"`)).toBe(text);
});

test('every alias of the table is tested with a sample', () => {
  const sampled = new Set(SAMPLES.map(([charset]) => charset));
  expect(ALIASES.filter(([, charset]) => !sampled.has(charset))).toEqual([]);
});

test.each([
  'utf8mb4',
  'utf-8-sig',
  'UTF_8_SIG',
  'cp65001',
  'unicode-1-1-utf-8',
  'utf-8 format=flowed',
])('bytes declared as %s that are no UTF-8 are marked as such', (alias) => {
  expect(decodeText(hex('61 ff 62'), alias)).toBe('a\ufffdb');
});

test('ISO-2022-JP-2004 is read as far as it has the characters of ISO-2022-JP', () => {
  expect(decodeText(hex('1b242851 467c 4b5c 1b2842'), 'iso-2022-jp-2004')).toBe('日本');
});

test('escapes that meet where two pieces of ISO-2022-JP are joined leave no mark', () => {
  expect(decodeText(hex('1b2442 467c 1b2842 1b2442 4b5c 1b2842'), 'ISO-2022-JP')).toBe('日本');
});

test('decoding never throws, whatever the bytes and the charset name', () => {
  const names = fc.oneof(
    fc.constantFrom(
      ...SAMPLES.map(([charset]) => charset),
      'iso-2022-cn',
      'utf-32',
      'cesu-8',
      'ucs-2',
    ),
    fc.string(),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), names, (bytes, charset) => {
      expect(typeof decodeText(Buffer.from(bytes), charset)).toBe('string');
    }),
    { numRuns: 3_000 },
  );
});
