import { OperatorError } from '@syncline/runtime';
import { foundOr } from './accounts.js';
import { UsageError } from './errors.js';

const email = 'a@example.com';
const throwing =
  (...args: Parameters<typeof foundOr>): (() => unknown) =>
  () =>
    foundOr(...args);

test('an address that several tenants have connected is a usage error that names them', () => {
  const ambiguous = throwing({ kind: 'ambiguous', email, tenants: ['one', 'two'] });
  expect(ambiguous).toThrow(UsageError);
  expect(ambiguous).toThrow(
    'a@example.com is connected by several tenants (one, two): name one with --tenant',
  );
});

test('an account that does not exist is an error that says where to search', () => {
  const nowhere = throwing({ kind: 'not-found', email, tenant: null, otherTenants: [] });
  expect(nowhere).toThrow(OperatorError);
  expect(nowhere).toThrow('No account has the address a@example.com. See: syncline accounts list');
  expect(throwing({ kind: 'not-found', email, tenant: 'three', otherTenants: ['one'] })).toThrow(
    'The tenant three has no account a@example.com; one has.',
  );
  expect(throwing({ kind: 'tenant-without-accounts', tenant: 'three' })).toThrow(
    'tenant three has no accounts. See: syncline accounts list',
  );
});

test('what is found is given back', () => {
  expect(foundOr({ kind: 'found', found: 7 })).toBe(7);
});
