import { parseContact } from './parse.js';

const primary = { metadata: { primary: true } };

test('the primary one of a repeated field comes first, the others keep their order', () => {
  const row = parseContact({
    id: 'people/c1',
    resource: {
      names: [{ displayName: 'A. L.' }, { displayName: 'Ada Lovelace', ...primary }],
      emailAddresses: [
        { value: 'b@example.com' },
        { value: 'a@example.com', metadata: { primary: false } },
        { value: 'ada@example.com', ...primary },
      ],
      phoneNumbers: [{ value: '2' }, { value: '1' }],
    },
  });
  expect([row.displayName, row.emailAddresses, row.phoneNumbers]).toEqual([
    'Ada Lovelace',
    ['ada@example.com', 'b@example.com', 'a@example.com'],
    ['2', '1'],
  ]);
});
