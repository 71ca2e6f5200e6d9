import fc from 'fast-check';
import { decodeCursor, encodeCursor } from './cursor.js';

const LIST = {
  route: 'accounts.list',
  params: { tenant: null },
  query: { state: 'active', limit: 2 },
};

test('a cursor gives its position back, for any position and another page size', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 4 }),
      (position) => {
        const cursor = encodeCursor(LIST, position);
        const next = { ...LIST, query: { state: 'active', limit: 9, cursor } };
        expect(decodeCursor(next, cursor)).toEqual(position);
      },
    ),
  );
});

test.each([
  ['another route', { ...LIST, route: 'quarantine.list' }],
  ['another filter', { ...LIST, query: { state: 'paused' } }],
  ['no filter', { ...LIST, query: {} }],
  ['another tenant', { ...LIST, params: { tenant: 'acme' } }],
])('a cursor of %s is refused', (_what, list) => {
  expect(decodeCursor(LIST, encodeCursor(list, ['a']))).toBeNull();
});

test.each(['', 'AAAA', '!', 'x'.repeat(4_097), Buffer.from('[9,"x","a"]').toString('base64url')])(
  'the text %j is no cursor',
  (text) => {
    expect(decodeCursor(LIST, text)).toBeNull();
  },
);

test('a cut cursor is refused', () => {
  const cursor = encodeCursor(LIST, ['acme', '00000000-0000-4000-8000-000000000000']);
  for (let length = 0; length < cursor.length; length++)
    expect(decodeCursor(LIST, cursor.slice(0, length))).toBeNull();
});
