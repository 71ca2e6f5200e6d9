import type { KnownIdentity } from '@syncline/store';
import { byKeys, hasKnownMessage, sameAddress } from './identity-outcome.js';
import { heldAccountState, masked } from './words.js';

const known = (over: Partial<KnownIdentity> = {}): KnownIdentity => ({
  accountId: 'a',
  tenant: 'default',
  email: 'ann@example.com',
  aliases: [],
  project: 'default',
  resources: ['gmail', 'calendar'],
  googleSub: '1',
  grant: 1,
  version: 1,
  verified: false,
  vouched: false,
  hasRows: true,
  hasMessages: true,
  primaryAddress: 'ann@example.com',
  people: [],
  ...over,
});
const EMPTY = { hasRows: false, hasMessages: false, primaryAddress: null, googleSub: null };

test.each<[string, Partial<KnownIdentity>, string | null, string | null, object | null]>([
  [
    'the same sub under another address',
    {},
    '1',
    'new@example.com',
    { kind: 'same', proof: 'sub' },
  ],
  ['another sub under the same address', {}, '2', 'ann@example.com', { kind: 'other' }],
  ['another sub although a person vouched', { vouched: true }, '2', null, { kind: 'other' }],
  ['another sub although the grant was checked', { verified: true }, '2', null, { kind: 'other' }],
  ['no sub now, rows, the same address', {}, null, 'ann@example.com', null],
  ['no sub before, rows, the same address', { googleSub: null }, '1', 'ann@example.com', null],
  ['no sub, rows, a person vouched', { vouched: true }, null, null, { proof: 'vouched' }],
  [
    'no sub, the grant that brought the rows',
    { verified: true },
    null,
    null,
    { proof: 'same-grant' },
  ],
  ['no rows, the same address', EMPTY, null, 'ANN@example.com', { proof: 'address' }],
  ['no rows, another address', EMPTY, '2', 'ben@example.com', { kind: 'other' }],
  ['no rows, and no known address', EMPTY, null, null, { kind: 'other' }],
  [
    'calendars alone are rows',
    { googleSub: null, hasMessages: false },
    '1',
    'ann@example.com',
    null,
  ],
  [
    'labels alone are rows',
    { googleSub: null, hasMessages: false, primaryAddress: null },
    '1',
    'ann@example.com',
    null,
  ],
])('%s', (_name, over, sub, address, outcome) => {
  expect({ found: byKeys(known(over), sub, address) }).toMatchObject({ found: outcome });
});

test('a message proves the mailbox by its id and its internalDate together', () => {
  const stored = [
    { id: 'm1', internalDateMs: 1_000 },
    { id: 'm2', internalDateMs: 2_000 },
  ];
  expect(hasKnownMessage(stored, [{ id: 'm2', internalDate: '2000' }])).toBe(true);
  expect(hasKnownMessage(stored, [{ id: 'm2', internalDate: '1000' }])).toBe(false);
  expect(hasKnownMessage(stored, [{ id: 'm3', internalDate: '1000' }, { id: 'm1' }])).toBe(false);
  expect(hasKnownMessage(stored, [])).toBe(false);
});

test.each([
  ['Ann@Example.com', 'ann@example.COM', true],
  ['a.nn@example.com', 'ann@example.com', false],
  ['a.n.n+x@googlemail.com', 'ann@gmail.com', true],
  ['ann@gmail.com', 'ben@gmail.com', false],
  ['ann@gmail.com.example', 'a.nn@gmail.com.example', false],
])('%s and %s are one address: %s', (one, other, same) => {
  expect(sameAddress(one, other)).toBe(same);
});

test('reasons contain no address, and name the command where a person decides', () => {
  expect(masked('ann.smith@example.com')).toBe('a***@example.com');
  expect(masked('@example.com')).toBe('***');
  expect(masked('😀x@example.com')).toBe('😀***@example.com');
  const other = heldAccountState({ kind: 'other', address: 'ben@example.com' }, known());
  expect(other).toMatchObject({
    code: 'identity-refused',
    reason:
      'this grant belongs to another Google account (b***@example.com); import a grant of a***@example.com',
  });
  const unproven = heldAccountState(
    {
      kind: 'unproven',
      because: { kind: 'no-known-message', asked: 20 },
      otherAddress: 'ben@example.com',
    },
    known(),
  );
  expect(unproven.reason).toMatch(
    /^this grant belongs to another Google account \(b\*\*\*@example\.com\).*none of 20 stored messages.*--same-mailbox/,
  );
});
