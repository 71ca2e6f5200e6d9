import { applyFields, parseFields, unknownField } from './fields.js';
import { GMAIL_SHAPES } from './shapes.js';

const mask = (text: string): ReturnType<typeof parseFields> => parseFields(text);

test.each([
  ['a', { a: 1 }],
  ['a,b(c)', { a: 1, b: [{ c: 2 }, { c: 3 }] }],
  ['b/c', { b: [{ c: 2 }, { c: 3 }] }],
  ['b(c,d/e)', { b: [{ c: 2, d: { e: 4 } }, { c: 3 }] }],
  ['*', { a: 1, b: [{ c: 2, d: { e: 4, f: 5 } }, { c: 3 }] }],
  ['b/*', { b: [{ c: 2, d: { e: 4, f: 5 } }, { c: 3 }] }],
  ['b/c,b/d/f', { b: [{ c: 2, d: { f: 5 } }, { c: 3 }] }],
])('%s selects the named fields', (text, asked) => {
  const parsed = mask(text);
  expect(
    parsed.ok && applyFields({ a: 1, b: [{ c: 2, d: { e: 4, f: 5 } }, { c: 3 }] }, parsed.mask),
  ).toEqual(asked);
});

test.each(['', 'a,', 'a(b', 'a)b', 'a//b', '/a', 'a()'])('%j is malformed', (text) => {
  expect(mask(text).ok).toBe(false);
});

test.each([
  ['id,payload(parts(parts/body/size))', null],
  ['messages', 'messages'],
  ['payload/headers/nam', 'nam'],
])('%s names unknown field %j of a message', (text, unknown) => {
  const parsed = mask(text);
  expect(parsed.ok && unknownField(parsed.mask, GMAIL_SHAPES['messages.get'])).toBe(unknown);
});

test.each(['__proto__', 'constructor', 'toString', 'valueOf'])(
  '%s, a property of every object, is an unknown field',
  (word) => {
    for (const text of [word, `id,${word}`, `payload/${word}`, `payload(${word})`]) {
      const parsed = mask(text);
      expect([text, parsed.ok && unknownField(parsed.mask, GMAIL_SHAPES['messages.get'])]).toEqual([
        text,
        word,
      ]);
    }
    const parsed = mask('b/c');
    const value = JSON.parse(`{"b":{"c":1,"${word}":2},"${word}":3}`) as unknown;
    expect(parsed.ok && applyFields(value, parsed.mask)).toEqual({ b: { c: 1 } });
    const all = mask('*');
    expect(JSON.stringify(all.ok && applyFields(value, all.mask))).toBe(JSON.stringify(value));
  },
);
