import fc from 'fast-check';
import { comparableAddress } from './index.js';

test.each([
  ['Ann@Example.com', 'ann@example.com'],
  ['ÄNNE@BÜCHER.example', 'änne@bücher.example'],
  ['A\u0308nne@bu\u0308cher.example', 'änne@bücher.example'],
])('the comparable form of %j is %j', (address, form) => {
  expect(comparableAddress(address)).toBe(form);
});

test('a comparable form is its own comparable form, however the address is composed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (address) => {
      const form = comparableAddress(address);
      expect(comparableAddress(form)).toBe(form);
      expect(comparableAddress(address.normalize('NFD'))).toBe(form);
    }),
  );
});
