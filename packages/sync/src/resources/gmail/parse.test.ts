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
  ['text/calendar; method=REQUEST', ''],
  ['text/csv', ''],
  ['text/richtext', ''],
  ['text/enriched', ''],
  ['text/x-vcard', ''],
  ['message/delivery-status', ''],
  ['message/partial', ''],
  ['application/octet-stream', ''],
  ['text/plain', 'attachment; size=3'],
  ['text/html', '"attachment"'],
])('a nameless inline part of %s %s is listed as an attachment', (contentType, disposition) => {
  const mimeType = contentType.split(';')[0] ?? '';
  const row = parseMessage({
    id: 'a',
    threadId: 't',
    payload: {
      partId: '',
      mimeType: 'multipart/mixed',
      parts: [
        part('text/plain', { size: 4, data: data('text') }, { partId: '0' }),
        {
          partId: '1',
          mimeType,
          filename: '',
          headers: [
            { name: 'Content-Type', value: contentType },
            { name: 'Content-Disposition', value: disposition },
          ],
          body: { size: 3, data: data('abc') },
        },
      ],
    },
  });
  expect([row.text, row.html]).toEqual(['text', null]);
  expect(row.attachments).toEqual([{ partId: '1', filename: '', mimeType, size: 3 }]);
});

test.each([
  ['application/pdf', { attachmentId: 'x', size: 3 }],
  ['application/pdf', { size: 3, data: data('abc') }],
  ['image/png', { attachmentId: 'x' }],
])(
  'a part of %s without a name, with the body %j, is listed as an attachment',
  (mimeType, body) => {
    const { attachments } = parseMessage({
      id: 'a',
      threadId: 't',
      payload: {
        mimeType: 'multipart/mixed',
        parts: [
          part('text/plain', { size: 4, data: data('text') }, { partId: '0' }),
          { partId: '1', mimeType, body },
          { partId: '2', mimeType, filename: null, headers: null, body },
        ],
      },
    });
    const { size = 0 } = body as { size?: number };
    expect(attachments).toEqual(
      ['1', '2'].map((partId) => ({ partId, filename: '', mimeType, size })),
    );
  },
);

test('the text of an attached message comes with its bytes, or is listed where it has none', () => {
  const inner = part('text/plain', { size: 5, data: data('inner') }, { partId: '0.0.0' });
  const attached = (body: object): unknown =>
    parseMessage({
      id: 'a',
      threadId: 't',
      payload: {
        mimeType: 'multipart/mixed',
        parts: [
          {
            partId: '0',
            mimeType: 'message/rfc822',
            body,
            parts: [{ partId: '0.0', mimeType: 'multipart/mixed', parts: [inner] }],
          },
        ],
      },
    }).attachments.map(({ partId }) => partId);
  expect([attached({ size: 9, attachmentId: 'x' }), attached({ size: 0 })]).toEqual([
    ['0'],
    ['0.0.0'],
  ]);
});

test.each(['message/rfc822', 'message/global', 'message/news'])(
  'the text within %s is not the text of the message around it',
  (mimeType) => {
    const inner = part('text/plain', { size: 5, data: data('inner') }, { partId: '1.0' });
    const row = parseMessage({
      id: 'a1',
      threadId: 't1',
      historyId: '7',
      payload: {
        partId: '',
        mimeType: 'multipart/report',
        body: { size: 0 },
        parts: [
          part('text/plain', { size: 5, data: data('outer') }, { partId: '0' }),
          part(mimeType, { size: 0 }, { partId: '1', parts: [inner] }),
        ],
      },
    });
    expect([row.text, row.attachments.map(({ partId }) => partId)]).toEqual(['outer', ['1.0']]);
  },
);

test('the text of a listed message is not listed again where Google hands it out apart', () => {
  const inner = part('text/plain', { size: 5, attachmentId: 'y' }, { partId: '1.0' });
  const row = parseMessage({
    id: 'a1',
    threadId: 't1',
    historyId: '7',
    payload: {
      partId: '',
      mimeType: 'multipart/mixed',
      body: { size: 0 },
      parts: [
        part(
          'message/rfc822',
          { size: 9, attachmentId: 'x' },
          { partId: '1', filename: 'mail.eml', parts: [inner] },
        ),
      ],
    },
  });
  expect(row.attachments.map(({ partId }) => partId)).toEqual(['1']);
});

test('decodes a filename that Gmail left encoded, from the headers', () => {
  const named = (filename: string, disposition: string): string | undefined =>
    parseMessage({
      id: 'a',
      threadId: 't',
      payload: {
        mimeType: 'application/pdf',
        filename,
        headers: [{ name: 'content-disposition', value: disposition }],
        body: { attachmentId: 'x' },
      },
    }).attachments[0]?.filename;
  expect([
    named('a.pdf', 'attachment; filename=b.pdf'),
    named('=?iso-8859-1?Q?=FC.pdf?=', ''),
    named('', "attachment; filename*0*=koi8-r''%C1; filename*1=.pdf"),
  ]).toEqual(['a.pdf', 'ü.pdf', 'а.pdf']);
});

test('reads ten thousand parts, flat or nested, without losing any', () => {
  const leaf = { partId: 'x', mimeType: 'image/png', body: { size: 1, attachmentId: 'y' } };
  let nested: object = leaf;
  for (let n = 0; n < 10_000; n++) nested = { mimeType: 'multipart/mixed', parts: [nested] };
  const flat = { mimeType: 'multipart/mixed', parts: Array.from({ length: 10_000 }, () => leaf) };
  const rows = [nested, flat].map((payload) => parseMessage({ id: 'a', threadId: 't', payload }));
  expect(rows.map(({ attachments }) => attachments.length)).toEqual([1, 10_000]);
});
