import { decodeText } from './charset.js';
import { decodeWords, encodeWords } from './words.js';

test.each([
  ['=?UTF-8?B?w6Q=?= b', 'ä b'],
  ['=?utf-8?q?a_b?=\r\n =?utf-8?q?c?=', 'a bc'],
  ['=?UTF-8?B?4oI=?= =?UTF-8?B?rA==?=', '€'],
  ['=?ISO-2022-JP?B?GyRCMnE1RBsoQg==?=', '会議'],
  ['=?no-such?Q?x=E9?= is guessed', 'xé is guessed'],
  ['=?ISO-2022-JP?B?GyRCMnE1RBsoQg==?= =?ISO-2022-JP?B?GyRCMnE1RBsoQg==?=', '会議会議'],
  ['=?utf-8*en?Q?lang?=', 'lang'],
  ['plain = text', 'plain = text'],
])('%j is %j', (value, text) => {
  expect(decodeWords(value)).toBe(text);
});

test.each(['b', 'q'] as const)(
  'encoded text (%s) decodes to itself, in words of at most 75 characters',
  (encoding) => {
    const text = 'שלום 🎉 Zażółć gęślą jaźń, ein längerer Betreff über zwei Zeilen';
    const encoded = encodeWords(text, encoding);
    expect(Math.max(...encoded.split('\r\n ').map((word) => word.length))).toBeLessThanOrEqual(75);
    expect(decodeWords(encoded)).toBe(text);
  },
);

test('undeclared text is UTF-8 if valid, else windows-1252, including its quotation marks', () => {
  expect(decodeText(Buffer.from('é'), null)).toBe('é');
  expect(decodeText(Buffer.from([0x93, 0x81, 0x80]), null)).toBe('“\u0081€');
  expect(decodeText(Buffer.from([0x93]), 'iso-8859-1')).toBe('“');
  expect(decodeText(Buffer.from([0x93]), 'no-such-charset')).toBe('“');
  expect(decodeText(Buffer.from('é'), 'US-ASCII')).toBe('é');
});
