import fc from 'fast-check';
import { addressesIn, parseAddressList, type MailAddress } from './addresses.js';

/** A mailbox as `name <address>` without its absent parts, so that a table of them is readable. */
const shown = ({ name, address, group }: MailAddress): string =>
  [
    group === undefined ? '' : `${group}: `,
    name ?? '',
    name !== null && address !== null ? ' ' : '',
    address === null ? '' : `<${address}>`,
  ].join('');
const read = (value: string): string[] => parseAddressList(value).map(shown);

// The examples of RFC 5322, appendix A, in its order.
test.each([
  ['A.1.1', 'John Doe <jdoe@machine.example>', ['John Doe <jdoe@machine.example>']],
  [
    'A.1.2',
    '"Joe Q. Public" <john.q.public@example.com>',
    ['Joe Q. Public <john.q.public@example.com>'],
  ],
  [
    'A.1.2',
    'Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>',
    ['Mary Smith <mary@x.test>', '<jdoe@example.org>', 'Who? <one@y.test>'],
  ],
  [
    'A.1.2',
    '<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
    ['<boss@nil.test>', 'Giant; "Big" Box <sysservices@example.net>'],
  ],
  [
    'A.1.3',
    'A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;',
    ['A Group: Ed Jones <c@a.test>', 'A Group: <joe@where.test>', 'A Group: John <jdoe@one.test>'],
  ],
  ['A.1.3', 'Undisclosed recipients:;', []],
  [
    'A.2',
    '"Mary Smith: Personal Account" <smith@home.example>',
    ['Mary Smith: Personal Account <smith@home.example>'],
  ],
  [
    'A.5',
    'Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>',
    ['Pete <pete@silly.test>'],
  ],
  [
    'A.5',
    "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
    [
      'A Group: Chris Jones <c@public.example>',
      'A Group: <joe@example.org>',
      'A Group: John <jdoe@one.test>',
    ],
  ],
  ['A.5', '(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;', []],
  [
    'A.6.1',
    'Joe Q. Public <john.q.public@example.com>',
    ['Joe Q. Public <john.q.public@example.com>'],
  ],
  [
    'A.6.1',
    'Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example',
    ['Mary Smith <mary@example.net>', '<jdoe@test.example>'],
  ],
  ['A.6.3', 'John Doe <jdoe@machine(comment).  example>', ['John Doe <jdoe@machine.example>']],
])('RFC 5322 %s: %s', (_section, value, expected) => {
  expect(read(value)).toEqual(expected);
});

test.each([
  ['nothing', '', []],
  ['empty elements', ' , ;, ,', []],
  ['a comment as the name', 'ada@example.com (Ada Lovelace)', ['Ada Lovelace <ada@example.com>']],
  ['a comment beside a name', 'Ada <ada@example.com> (Analyst)', ['Ada <ada@example.com>']],
  [
    'a comment in a comment',
    'ada@example.com (Ada (the Countess) Lovelace)',
    ['Ada (the Countess) Lovelace <ada@example.com>'],
  ],
  [
    'routes',
    '<@a.example,@b.example:ada@example.com>, <@a.example : grace@example.com>',
    ['<ada@example.com>', '<grace@example.com>'],
  ],
  [
    'Outlook’s semicolons',
    'Ada <ada@example.com>; grace@example.com;',
    ['Ada <ada@example.com>', '<grace@example.com>'],
  ],
  [
    'a group among others',
    'x@example.com, Team: a@example.com, b@example.com; y@example.com',
    ['<x@example.com>', 'Team: <a@example.com>', 'Team: <b@example.com>', '<y@example.com>'],
  ],
  [
    'a group that does not end',
    'Team: a@example.com, b@example.com',
    ['Team: <a@example.com>', 'Team: <b@example.com>'],
  ],
  ['a group without a name', ': a@example.com;', ['<a@example.com>']],
  ['a name without brackets', 'Ada Lovelace ada@example.com', ['Ada Lovelace <ada@example.com>']],
  [
    'a name behind',
    'ada@example.com Ada, <grace@example.com> Grace',
    ['Ada <ada@example.com>', 'Grace <grace@example.com>'],
  ],
  [
    'an abbreviation before an address',
    'Acme Inc. info@example.com',
    ['Acme Inc. <info@example.com>'],
  ],
  [
    'no comma',
    'ada@example.com Grace grace@example.com',
    ['<ada@example.com>', 'Grace <grace@example.com>'],
  ],
  [
    'no comma, brackets',
    'Ada <ada@example.com> Grace <grace@example.com>',
    ['Ada <ada@example.com>', 'Grace <grace@example.com>'],
  ],
  [
    'an address behind brackets',
    '<ada@example.com> grace@example.com',
    ['<ada@example.com>', '<grace@example.com>'],
  ],
  [
    'the address as its own name',
    'ada@example.com <ada@example.com>',
    ['ada@example.com <ada@example.com>'],
  ],
  [
    'brackets that do not close',
    'Ada <ada@example.com, Grace <grace@example.com',
    ['Ada <ada@example.com>', 'Grace <grace@example.com>'],
  ],
  [
    'brackets twice',
    '<<ada@example.com>>, Ada <3 <ada@example.com>',
    ['<ada@example.com>', 'Ada <3 <ada@example.com>'],
  ],
  [
    'two addresses in one pair of brackets',
    '<ada@example.com, grace@example.com>',
    ['<ada@example.com>', '<grace@example.com>'],
  ],
  ['empty brackets', 'Ada <>, <>, ada@example.com <>', ['Ada', '<ada@example.com>']],
  ['a scheme', '<mailto:ada@example.com>', ['<ada@example.com>']],
  [
    'quotes that an address needs',
    '"ada lovelace"@example.com, <"a@b, c"@example.com>, "a\\"b"@example.com',
    ['<"ada lovelace"@example.com>', '<"a@b, c"@example.com>', '<"a\\"b"@example.com>'],
  ],
  [
    'quotes that it does not need',
    '"ada"@example.com, "ada".lovelace@example.com',
    ['<ada@example.com>', '<ada.lovelace@example.com>'],
  ],
  [
    'dots as some providers give them out',
    'a..b@example.com, .a.@example.com',
    ['<a..b@example.com>', '<.a.@example.com>'],
  ],
  [
    'domain literals',
    'ada@[192.0.2.1], <ada@[IPv6: 2001:db8::1]>',
    ['<ada@[192.0.2.1]>', '<ada@[IPv6:2001:db8::1]>'],
  ],
  ['brackets in a name', '[list] Ada <ada@example.com>', ['[list] Ada <ada@example.com>']],
  [
    'international addresses as they are written',
    'Jörg <jörg@müller.example>, x@xn--mller-kva.example',
    ['Jörg <jörg@müller.example>', '<x@xn--mller-kva.example>'],
  ],
  ['case as it is written', 'Ada@Example.COM', ['<Ada@Example.COM>']],
  [
    'encoded words',
    '=?utf-8?B?w4VzYQ==?= =?utf-8?Q?_B?= <a@example.com> , "=?iso-8859-1?Q?Andr=E9?=" <b@example.com>, c@example.com (=?utf-8?Q?C=C3=A9?=)',
    ['Åsa B <a@example.com>', 'André <b@example.com>', 'Cé <c@example.com>'],
  ],
  [
    'folding',
    'Ada\r\n Lovelace\r\n\t<ada@example.com>,\r\n "Grace\r\n Hopper" <grace@example.com>',
    ['Ada Lovelace <ada@example.com>', 'Grace Hopper <grace@example.com>'],
  ],
  [
    'a quote that does not close',
    '"Ada <ada@example.com>, grace@example.com',
    ['Ada <ada@example.com>', '<grace@example.com>'],
  ],
  [
    'a comment that does not close',
    'Ada (the <ada@example.com>, (x) grace@example.com',
    ['Ada the <ada@example.com>', 'x <grace@example.com>'],
  ],
  [
    'no address',
    'MAILER-DAEMON, undisclosed recipients, Ada <ada>, <ada lovelace@example.com>',
    ['MAILER-DAEMON', 'undisclosed recipients', 'Ada <ada>', '<ada lovelace@example.com>'],
  ],
  ['half of one', '@example.com, ada@, <@>', ['@example.com', 'ada@', '<@>']],
  [
    'too many at signs',
    'a@b@example.com, <a@b@example.com>',
    ['a@b@example.com', '<a@b@example.com>'],
  ],
  ['a NUL', 'a\0b@example.com', ['a b@example.com']],
])('%s: %s', (_what, value, expected) => {
  expect(read(value)).toEqual(expected);
});

// Encoded, quoted or commented text is never an address.
test.each([
  ['=?utf-8?Q?boss=40bank.example=2C?= <eve@example.com>', 'boss@bank.example,'],
  ['=?utf-8?Q?=3Cboss@bank.example=3E?= <eve@example.com>', '<boss@bank.example>'],
  ['=?utf-8?Q?<boss@bank.example>,?= <eve@example.com>', '<boss@bank.example>,'],
  ['=?utf-8?Q?Boss <boss@bank.example>, ?= <eve@example.com>', 'Boss <boss@bank.example>,'],
  ['=?utf-8?B?Ym9zc0BiYW5rLmV4YW1wbGUsIA==?= <eve@example.com>', 'boss@bank.example,'],
  ['x=?utf-8?Q?<boss@bank.example>?= <eve@example.com>', 'x<boss@bank.example>'],
  ['"Boss <boss@bank.example>, " <eve@example.com>', 'Boss <boss@bank.example>,'],
  ['"boss@bank.example" <eve@example.com>', 'boss@bank.example'],
  ['boss@bank.example <eve@example.com>', 'boss@bank.example'],
  ['(boss@bank.example, ) eve@example.com', 'boss@bank.example,'],
  ['=?utf-8?Q?a=0D=0AFrom:_x?= <eve@example.com>', 'a From: x'],
])('no name forges an address: %s', (value, name) => {
  expect(parseAddressList(value)).toEqual([{ name, address: 'eve@example.com' }]);
});

test('encoded words and quotes in an address stay what they are', () => {
  expect(parseAddressList('<=?utf-8?Q?boss=40bank.example?=@example.com>')).toEqual([
    { name: null, address: '=?utf-8?Q?boss=40bank.example?=@example.com' },
  ]);
  expect(parseAddressList('"boss@bank.example> x"@example.com')).toEqual([
    { name: null, address: '"boss@bank.example> x"@example.com' },
  ]);
  expect(parseAddressList('"boss@bank.example"')).toEqual([
    { name: 'boss@bank.example', address: null },
  ]);
});

test('each header has its key, a repeated one adds to it, and what is not there has none', () => {
  const headers = [
    { name: 'FROM', value: 'Ada <ada@example.com>' },
    { name: 'To', value: 'a@example.com' },
    { name: 'Reply-To', value: 'Undisclosed:;' },
    { name: 'Sender', value: 's@example.com' },
    { name: 'to', value: '"b' },
    { name: 'To', value: 'c@example.com' },
    { name: 'X-To', value: 'x@example.com' },
    { name: 'Resent-To', value: 'y@example.com' },
    { name: 'Bcc', value: null },
  ];
  expect(addressesIn(headers)).toEqual({
    from: [{ name: 'Ada', address: 'ada@example.com' }],
    replyTo: [],
    sender: [{ name: null, address: 's@example.com' }],
    bcc: [],
    to: [
      { name: null, address: 'a@example.com' },
      { name: 'b', address: null },
      { name: null, address: 'c@example.com' },
    ],
  });
  expect(addressesIn([])).toEqual({});
});

/* Properties. */

const CHARACTERS = [
  'a',
  'b',
  '.',
  '@',
  '<',
  '>',
  ',',
  ';',
  ':',
  '"',
  '\\',
  '(',
  ')',
  '[',
  ']',
  ' ',
  '=',
  '?',
  "'",
  '\r\n ',
  '\0',
  'é',
  '日',
  '\ud800',
  '=?utf-8?q?',
  '?=',
  '@example.com',
  '<a@b.example>',
];
const nearly = fc
  .array(fc.constantFrom(...CHARACTERS), { maxLength: 60 })
  .map((parts) => parts.join(''));

const IS_ADDRESS =
  /^(?:[^\s"(),:;<>@[\]\\]+|"(?:[^"\\]|\\.)*")@(?:[^\s"(),:;<>@[\]\\]+|\[[^\s[\]]*\])$/u;

test('no text makes it throw, and an address has a local part, a domain, and nothing that separates addresses outside of quotes', () => {
  fc.assert(
    fc.property(fc.oneof(nearly, fc.string({ unit: 'binary', maxLength: 200 })), (value) => {
      const wrong = parseAddressList(value).filter(
        ({ name, address }) =>
          (name === null && address === null) ||
          name === '' ||
          /[\x00-\x1f\x7f]/.test(name ?? '') ||
          !IS_ADDRESS.test(address ?? 'a@b'),
      );
      expect(wrong).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});

const atom = fc.stringMatching(/^[a-zA-Z0-9!#$%&'*+/^_`{|}~é日-]{1,8}$/);
const dotted = fc.array(atom, { minLength: 1, maxLength: 3 }).map((atoms) => atoms.join('.'));
const printable = fc.stringMatching(/^[ -~é日]{1,12}$/);
const isPlain = (text: string): boolean =>
  /^[^\s"(),.:;<>@[\]\\]+(?:\.[^\s"(),.:;<>@[\]\\]+)*$/.test(text);
const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
const localPart = fc.oneof(
  { weight: 3, arbitrary: dotted },
  { weight: 1, arbitrary: printable.map((text) => (isPlain(text) ? text : quoted(text))) },
);
const address = fc
  .tuple(
    localPart,
    fc.oneof(
      { weight: 4, arbitrary: dotted },
      { weight: 1, arbitrary: fc.constantFrom('[192.0.2.1]', '[IPv6:::1]') },
    ),
  )
  .map((parts) => parts.join('@'));
const displayName = fc.option(
  printable
    .map((text) => text.replace(/ +/g, ' ').trim())
    .filter((text) => text !== '' && !text.includes('=?')),
);
const mailbox = fc.record({ name: displayName, address });
const separator = fc.constantFrom(',', ', ', ';', ' ,\r\n\t', ', ,');

/** Returns one of the spellings in which mailers write a mailbox. */
const written = (
  { name, address: spec }: { name: string | null; address: string },
  way: number,
): string => {
  if (name === null) return way % 2 === 0 ? spec : `<${spec}>`;
  const asWords = `=?utf-8?B?${Buffer.from(name).toString('base64')}?=`;
  const asComment = name.replace(/[()\\]/g, '\\$&');
  return [
    `${quoted(name)} <${spec}>`,
    `${asWords}<${spec}>`,
    `${spec} (${asComment})`,
    `${asWords} < ${spec}(comment, <x@y>) >`,
  ][way % 4] as string;
};

test('whatever list is written, it is read as it was', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(mailbox, fc.nat({ max: 3 }), separator), { maxLength: 8 }),
      (list) => {
        const value = list.map(([each, way, between]) => written(each, way) + between).join('');
        expect(parseAddressList(value)).toEqual(list.map(([each]) => each));
      },
    ),
    { numRuns: 1_000 },
  );
});

test('what was read, written again, is read as the same', () => {
  fc.assert(
    fc.property(nearly, (value) => {
      const found = parseAddressList(value).filter(
        (each): each is MailAddress & { address: string } => each.address !== null,
      );
      expect(
        parseAddressList(found.map((each) => `<${each.address}>`).join(', ')).map(
          (each) => each.address,
        ),
      ).toEqual(found.map((each) => each.address));
    }),
    { numRuns: 2_000 },
  );
});

/** Returns how many characters the parser reads one by one. */
function stepsFor(value: string): number {
  let steps = 0;
  const { charCodeAt, charAt } = String.prototype;
  const counting = <T>(method: (this: string, at: number) => T) =>
    function (this: string, at: number): T {
      steps++;
      return method.call(this, at);
    };
  Object.assign(String.prototype, { charCodeAt: counting(charCodeAt), charAt: counting(charAt) });
  try {
    parseAddressList(value);
  } finally {
    Object.assign(String.prototype, { charCodeAt, charAt });
  }
  return steps;
}

test('each character is read five times at most, whatever the text', () => {
  fc.assert(
    fc.property(nearly, (value) => expect(stepsFor(value)).toBeLessThanOrEqual(5 * value.length)),
    { numRuns: 500 },
  );
  for (const one of CHARACTERS) {
    for (const other of ['', ...CHARACTERS])
      expect(stepsFor((one + other).repeat(200))).toBeLessThanOrEqual(
        5 * (one + other).length * 200,
      );
  }
});

test.each([
  ['parentheses that open', '('.repeat(100_000), []],
  [
    'a comment a hundred thousand deep',
    `ada@example.com ${'('.repeat(100_000)}${')'.repeat(100_000)}`,
    undefined,
  ],
  ['quotes', '"'.repeat(100_001), []],
  ['brackets', '<'.repeat(100_000), []],
  ['at signs', '@'.repeat(130_000), undefined],
  ['a route that does not end', `<${'@a,'.repeat(40_000)}`, undefined],
  ['halves of encoded words', '=?utf-8?q?'.repeat(13_000), undefined],
  [
    'a name of 130 KB',
    `${'=?utf-8?Q?date=3E2017-08-20T10:08:28.617=3C/pr?=\r\n\t'.repeat(2_600)} <ada@example.com>`,
    undefined,
  ],
  ['words without end', `${'a '.repeat(65_000)}: `.repeat(2), undefined],
])('%s are read at once', (_what, value, expected) => {
  const found = parseAddressList(value);
  expect(expected ?? found).toEqual(found);
  expect(found.length).toBeLessThanOrEqual(1);
});

test('at most 5,000 mailboxes of a field are read, and none that is cut by the limit', () => {
  const many = Array.from({ length: 6_000 }, (_, n) => ({
    name: null,
    address: `u${n}@example.com`,
  }));
  expect(parseAddressList(many.map((each) => each.address).join(','))).toEqual(
    many.slice(0, 5_000),
  );
  expect(parseAddressList(many.map((each) => each.address).join(' '))).toEqual(
    many.slice(0, 5_000),
  );
  expect(addressesIn(many.map((each) => ({ name: 'To', value: each.address }))).to).toEqual(
    many.slice(0, 5_000),
  );
  const long = Array.from({ length: 4_000 }, (_, n) => `${n}-${'x'.repeat(80)}@example.com`);
  const whole = parseAddressList(long.join(',')).map((each) => each.address);
  expect(whole).toEqual(long.slice(0, whole.length));
  expect(whole.length).toBe(long.join(',').slice(0, 262_144).split(',').length - 1);
});

test.each([
  ['"', '"'],
  ['(', ')'],
  ['=?utf-8?Q?', '?='],
])(
  'text between %s and %s is no mailbox, though it closes beyond what is read',
  (opening, closing) => {
    const value = `ada@example.com, ${opening}${'x'.repeat(262_000)}, <boss@bank.example>, ${'y'.repeat(1_000)}${closing} <eve@example.com>`;
    expect(parseAddressList(value)).toEqual([{ name: null, address: 'ada@example.com' }]);
  },
);
