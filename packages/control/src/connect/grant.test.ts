import { coveredBy, useOfGrant } from './grant.js';

const G = 'https://www.googleapis.com/auth/';

test.each([
  [
    ['gmail.readonly', 'calendar.readonly'],
    ['gmail', 'calendar'],
  ],
  [['gmail.modify'], ['gmail']],
  [['gmail.metadata', 'gmail.readonly'], []],
  [['contacts.readonly'], ['contacts']],
  [['contacts.other.readonly', 'calendar.events'], []],
  [[], []],
])('the scopes %j suffice for %j', (names, resources) => {
  expect(coveredBy(names.map((name) => `${G}${name}`))).toEqual(resources);
});

describe('a new account', () => {
  test('has what was ticked', () => {
    expect(useOfGrant(['gmail', 'calendar'], ['gmail'], null)).toEqual({
      kind: 'take',
      resources: ['gmail'],
      missing: ['calendar'],
    });
  });
  test('is not made when nothing was ticked', () => {
    expect(useOfGrant(['gmail'], ['contacts'], null)).toEqual({
      kind: 'nothing',
      missing: ['gmail'],
    });
  });
});

describe('an account that works', () => {
  const known = { resources: ['gmail', 'calendar'] as const, isActive: true };
  test('gets another resource with a grant that covers all', () => {
    expect(useOfGrant(['contacts'], ['gmail', 'calendar', 'contacts'], known)).toEqual({
      kind: 'take',
      resources: ['gmail', 'calendar', 'contacts'],
      missing: [],
    });
  });
  test('keeps its grant when the new one covers less, and has what was asked for', () => {
    expect(useOfGrant(['gmail'], ['gmail'], known)).toEqual({ kind: 'keep' });
  });
  test('keeps its grant when the new one covers less and more is asked for', () => {
    expect(useOfGrant(['contacts'], ['contacts'], known)).toEqual({
      kind: 'fewer',
      missing: ['gmail', 'calendar'],
    });
  });
});

test('an account whose grant was refused takes what it gets', () => {
  const known = { resources: ['gmail', 'calendar'] as const, isActive: false };
  expect(useOfGrant(['gmail', 'calendar'], ['calendar'], known)).toEqual({
    kind: 'take',
    resources: ['gmail', 'calendar'],
    missing: ['gmail'],
  });
});
