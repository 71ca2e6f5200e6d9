import { asJobFailure } from './job-failure.js';

class DatabaseError extends Error {
  override name = 'DatabaseError';
  code = '40P01';
}

test("only the name, the code and the place of a library's error are kept", () => {
  const failure = asJobFailure(
    new DatabaseError('duplicate key (email)=(ann@example.com), query: insert Secret subject'),
  );
  expect(failure.message).toBe(
    'an error ended this run: DatabaseError 40P01; the log of its worker has more',
  );
  expect(failure.stack).toContain('job-failure.test.ts:');
  expect(failure.stack).not.toMatch(/ann|Secret/);
});

test("a parser's error that quotes the body leaks nothing, also over several lines", () => {
  let thrown: unknown;
  try {
    JSON.parse('Dear Ann,\n    at the bank (salary:1:2)');
  } catch (error) {
    thrown = error;
  }
  const failure = asJobFailure(thrown);
  expect(failure.message).toBe(
    'an error ended this run: SyntaxError; the log of its worker has more',
  );
  expect(failure.stack).not.toMatch(/Ann|bank|salary/);
});
