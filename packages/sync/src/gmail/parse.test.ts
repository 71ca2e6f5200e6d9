import fc from 'fast-check';
import { decodeHeader, decodeText, headerParameter } from './decode.js';
import { parseMessage } from './parse.js';

const data = (text: string | Buffer): string => Buffer.from(text).toString('base64url');
const part = (mimeType: string, body: object, over: object = {}): object => ({
  mimeType,
  filename: '',
  headers: [{ name: 'Content-Type', value: `${mimeType}; charset="utf-8"` }],
  body,
  ...over,
});

test('the parts of a message become text, html and attachments, in document order', () => {
  const row = parseMessage({
    id: 'a1',
    threadId: 't1',
    historyId: '77',
    labelIds: ['UNREAD', 'INBOX', 'INBOX'],
    internalDate: '1765750462000',
    sizeEstimate: 9,
    snippet: 'x\0y',
    payload: {
      partId: '',
      mimeType: 'multipart/mixed',
      filename: '',
      body: { size: 0 },
      headers: [
        { name: 'SUBJECT', value: '=?UTF-8?B?8J+OiQ==?= =?iso-8859-1?Q?caf=E9?=' },
        { name: 'Subject', value: 'second' },
        { name: 'From', value: 'Ada <ada@example.com>' },
      ],
      parts: [
        part(
          'multipart/alternative',
          { size: 0 },
          {
            partId: '0',
            parts: [
              part('text/plain', { size: 3, data: data('één') }, { partId: '0.0' }),
              part('text/html', { size: 3, data: data('<p>1</p>') }, { partId: '0.1' }),
            ],
          },
        ),
        part(
          'application/pdf',
          { size: 87, attachmentId: 'other-each-time' },
          { partId: '1', filename: 'a.pdf' },
        ),
        part('text/plain', { size: 6, data: data('footer') }, { partId: '2' }),
        part(
          'message/rfc822',
          { size: 5, attachmentId: 'x' },
          {
            partId: '3',
            filename: 'mail.eml',
            parts: [part('text/plain', { size: 5, data: data('inner') }, { partId: '3.0' })],
          },
        ),
      ],
    },
  });
  expect(row).toMatchObject({
    labelIds: ['INBOX', 'UNREAD'],
    historyId: 77n,
    snippet: 'xy',
    subject: '🎉café',
    from: 'Ada <ada@example.com>',
    to: null,
    text: 'één\nfooter',
    html: '<p>1</p>',
    internalDateMs: 1765750462000,
    attachments: [
      { partId: '1', filename: 'a.pdf', mimeType: 'application/pdf', size: 87 },
      { partId: '3', filename: 'mail.eml', mimeType: 'message/rfc822', size: 5 },
    ],
  });
  expect(row.resource).not.toMatch(/attachmentId|"data"/);
});

test('dates that no timestamptz can hold stay in the resource', () => {
  const row = parseMessage({ id: 'a', threadId: 't', internalDate: '999999999999999999' });
  expect(row.internalDateMs).toBeNull();
  expect(JSON.parse(row.resource)).toEqual({ internalDate: '999999999999999999' });
});

test('an answer that is no message is refused', () => {
  expect(() => parseMessage({ threadId: 't' })).toThrow('without id');
});

test.each([
  ['=?utf-8?q?a?= =?utf-8?q?b?=', 'ab'],
  ['plain text', 'plain text'],
  ['=?x-unknown?B?!!?=', expect.any(String)],
  ['folded\r\n here', 'folded here'],
])('header %s', (raw, expected) => {
  expect(decodeHeader(raw)).toEqual(expected);
});

test.each([
  [Buffer.from('caf\u00e9', 'latin1'), 'iso-8859-1', 'café'],
  [Buffer.from('caf\u00e9', 'latin1'), null, 'café'],
  [Buffer.from('café'), null, 'café'],
  [Buffer.from('café'), 'us-ascii', 'café'],
  [Buffer.from([0xc7, 0xd1, 0xb1, 0xdb]), 'ks_c_5601-1987', '한글'],
  [Buffer.from('+ZeVnLIqe-'), 'utf-7', '日本語'],
  [Buffer.from('abc'), 'no-such-charset', 'abc'],
  [Buffer.from('\ufeffcafé'), 'utf-8', 'café'],
  [Buffer.from('\ufeffcafé'), null, 'café'],
  [Buffer.from([0x61, 0xff, 0x62]), 'utf-8', 'a\ufffdb'],
])('body %# in its own charset', (bytes, charset, expected) => {
  expect(decodeText(bytes, charset)).toBe(expected);
});

test('header parameters are read quoted, bare and missing', () => {
  expect(headerParameter('text/plain; charset="utf-8"; x=1', 'charset')).toBe('utf-8');
  expect(headerParameter('text/plain;charset=UTF-8', 'charset')).toBe('UTF-8');
  expect(headerParameter('text/plain', 'charset')).toBeNull();
});

test('no header and no bytes make parsing throw', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.uint8Array(),
      fc.string(),
      (header, bytes, charset) => {
        expect(typeof decodeHeader(header)).toBe('string');
        expect(typeof decodeText(Buffer.from(bytes), charset)).toBe('string');
      },
    ),
    { numRuns: 500 },
  );
});
