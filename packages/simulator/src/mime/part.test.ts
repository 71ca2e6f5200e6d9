import { growthOf, LINEAR } from '../../../../test/support/growth.js';
import { findPart, isAttachment, parseMessage, visitParts } from './part.js';

const mail = (lines: readonly string[], lineEnd = '\r\n'): Buffer =>
  Buffer.from(lines.join(lineEnd), 'latin1');
const shape = (raw: Buffer): string[] =>
  [...visitParts(parseMessage(raw))].map(
    (part) => `${part.id}:${part.mimeType}:${part.body.length}`,
  );

const NESTED = [
  'Content-Type: multipart/mixed; boundary="A"',
  '',
  'preamble',
  '--A',
  'Content-Type: multipart/alternative; boundary=A-1',
  '',
  '--A-1',
  'Content-Type: text/plain',
  '',
  'text',
  '--A-1',
  'Content-Type: text/html',
  '',
  '<p>',
  '--A-1--',
  'epilogue',
  '--A',
  'Content-Type: application/pdf; name=x.pdf',
  'Content-Transfer-Encoding: base64',
  '',
  'aGVsbG8=',
  '--A--',
  '',
];

test.each(['\r\n', '\n'])(
  'parts are numbered as Gmail numbers them, with line ends %j',
  (lineEnd) => {
    expect(shape(mail(NESTED, lineEnd))).toEqual([
      ':multipart/mixed:0',
      '0:multipart/alternative:0',
      '0.0:text/plain:4',
      '0.1:text/html:3',
      '1:application/pdf:5',
    ]);
  },
);

test('a boundary that is a prefix of another is distinguished from it', () => {
  const root = parseMessage(mail(NESTED));
  expect(root.parts).toHaveLength(2);
  expect(findPart(root, '0.1')?.body.toString()).toBe('<p>');
});

test('the mail inside a message/rfc822 is its only child, with its own headers', () => {
  const root = parseMessage(
    mail([
      'Content-Type: message/rfc822; name="a.eml"',
      '',
      'Subject: inner',
      'Content-Type: text/html',
      '',
      '<b>',
    ]),
  );
  expect(root.parts.map((part) => [part.id, part.mimeType, part.headers[0]?.value])).toEqual([
    ['0', 'text/html', 'inner'],
  ]);
  expect(isAttachment(root)).toBe(true);
});

test('a part without a closing boundary ends with the mail', () => {
  expect(
    shape(
      mail(['Content-Type: multipart/mixed; boundary=B', '', '--B', '', 'one', '--B', '', 'two']),
    ),
  ).toEqual([':multipart/mixed:0', '0:text/plain:3', '1:text/plain:3']);
});

test.each([
  ['no boundary parameter', ['Content-Type: multipart/mixed', '', 'all of it']],
  [
    'a boundary that never comes',
    ['Content-Type: multipart/mixed; boundary=gone', '', 'all of it'],
  ],
])('a multipart with %s and no boundary line is text, complete', (_, lines) => {
  const root = parseMessage(mail(lines));
  expect([root.mimeType, root.body.toString(), root.parts.length]).toEqual([
    'text/plain',
    'all of it',
    0,
  ]);
});

test.each(['', '; boundary=', '; boundary=gone'])(
  'a multipart with the boundary parameter %j has the boundary that its parts have',
  (parameter) => {
    expect(
      shape(
        mail([
          `Content-Type: multipart/alternative${parameter}`,
          '',
          'preamble',
          '--=_next_1',
          'Content-Type: text/plain',
          '',
          'text',
          '--=_next_1',
          'Content-Type: text/html',
          '',
          '<p>',
          '--=_next_1--',
        ]),
      ),
    ).toEqual([':multipart/alternative:0', '0:text/plain:4', '1:text/html:3']);
  },
);

test('an indented first line is a header', () => {
  const root = parseMessage(mail(['  Subject: s', 'Content-Type: text/html', '', 'body']));
  expect([root.headers, root.mimeType, root.body.toString()]).toEqual([
    [
      { name: 'Subject', value: 's' },
      { name: 'Content-Type', value: 'text/html' },
    ],
    'text/html',
    'body',
  ]);
});

test.each([
  ['text/plain>', 'text/plain'],
  ['text/html<br>', 'text/html'],
  ['application/vnd.ms-excel.sheet+xml; x=1', 'application/vnd.ms-excel.sheet+xml'],
  ['nothing', 'text/plain'],
])('the type %j is %s', (type, mimeType) => {
  expect(parseMessage(mail([`Content-Type: ${type}`, '', 'x'])).mimeType).toBe(mimeType);
});

test('five thousand parts are read, and everything after ten thousand is one part', () => {
  const parts = (count: number): number =>
    parseMessage(
      mail([
        'Content-Type: multipart/mixed; boundary=b',
        ...Array.from({ length: count }, () => '\r\n--b\r\n\r\nx'),
        '--b--',
      ]),
    ).parts.length;
  expect([parts(5_000), parts(10_500)]).toEqual([5_000, 10_001]);
});

test.each([
  ['a folded subject', 'Subject', 'word\r\n '],
  ['brackets that open', 'Content-Type', '('],
  ['encoded words', 'Subject', '=?utf-8?Q?=C3=B6?=\r\n '],
])('a header of a megabyte of %s is read in linear time', (_, name, piece) => {
  const mailOf = (bytes: number): Buffer =>
    Buffer.from(`${name}: ${piece.repeat(Math.ceil(bytes / piece.length))}\r\n\r\nbody`);
  expect(growthOf(mailOf, parseMessage)).toBeLessThan(LINEAR);
  expect(parseMessage(mailOf(1_000_000)).body.toString()).toBe('body');
});

test('headers keep order, spelling and the white space of folding, without its line ends', () => {
  const { headers } = parseMessage(
    mail(['X-One: a', '\tb', 'RECEIVED: 1', 'received: 2', '', 'body']),
  );
  expect(headers).toEqual([
    { name: 'X-One', value: 'a\tb' },
    { name: 'RECEIVED', value: '1' },
    { name: 'received', value: '2' },
  ]);
});

test('8-bit headers are UTF-8 if valid, else windows-1252', () => {
  const utf8 = parseMessage(Buffer.concat([Buffer.from('Subject: žluť\r\n\r\n')]));
  const cp1252 = parseMessage(
    Buffer.from([...Buffer.from('Subject: '), 0x93, 0xe9, 0x94, 0x0a, 0x0a]),
  );
  expect([utf8.headers[0]?.value, cp1252.headers[0]?.value]).toEqual(['žluť', '“é”']);
});

test.each([
  ['headers', ['\xef\xbb\xbfSubject: s', 'X: y', '', 'body'], ['s', 'y']],
  ['the line of an mbox', ['\xef\xbb\xbfFrom -', 'Subject: s', '', 'body'], ['s']],
])('a byte order mark before %s is not part of a header', (_, lines, values) => {
  const root = parseMessage(mail(lines));
  expect([root.headers.map(({ value }) => value), root.body.toString()]).toEqual([values, 'body']);
});

test('a line that is not a header begins the body', () => {
  const root = parseMessage(
    mail(['Subject: s', 'this is no header', 'Later: not one either', '', 'x'], '\n'),
  );
  expect([root.headers.length, root.body.toString()]).toEqual([
    1,
    'this is no header\nLater: not one either\n\nx',
  ]);
});

test.each([
  ['RFC 2231', "attachment; filename*=UTF-8''na%C3%AFve.txt", 'naïve.txt'],
  ['continuations', 'attachment; filename*0*=utf-8\'\'%E2%82%AC; filename*1="-b.txt"', '€-b.txt'],
  ['encoded words', 'attachment; filename="=?ISO-8859-1?Q?caf=E9.txt?="', 'café.txt'],
  ['an unclosed quote', 'attachment; filename="a b.txt', 'a b.txt'],
])('filenames by %s', (_, disposition, filename) => {
  expect(parseMessage(mail([`Content-Disposition: ${disposition}`, '', 'x'])).filename).toBe(
    filename,
  );
});

test.each([
  ['quoted-printable', 'a=3Db=\r\nc =\t\r\n=zz', 'a=bc =zz'],
  ['base64', 'aGk=\r\naG8=\r\n', 'hiho'],
  ['x-uuencode', 'begin 644 x\r\n#0V%T\r\n`\r\nend\r\n', 'Cat'],
  ['made-up', 'as is', 'as is'],
])('%s is decoded leniently', (encoding, body, decoded) => {
  expect(
    parseMessage(
      mail([`Content-Transfer-Encoding: ${encoding} (comment)`, '', body]),
    ).body.toString(),
  ).toBe(decoded);
});

test('nesting beyond fifty levels is not parsed', () => {
  const deep = Array.from({ length: 80 }, (_, n) => [
    `Content-Type: multipart/mixed; boundary=b${n}`,
    '',
    `--b${n}`,
  ]).flat();
  const depth = [
    ...visitParts(parseMessage(mail([...deep, 'Content-Type: text/plain', '', 'bottom']))),
  ].length;
  expect(depth).toBe(51);
});

test('an empty mail and a mail of NULs are accepted', () => {
  expect(shape(Buffer.alloc(0))).toEqual([':text/plain:0']);
  expect(shape(Buffer.alloc(5))).toEqual([':text/plain:5']);
});
