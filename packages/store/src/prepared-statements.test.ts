import { nameRefusalOf, PreparedStatements, type NamesRefused } from './prepared-statements.js';

const refusal = (code: string, message = 'refused'): Error =>
  Object.assign(new Error(message), { code });

test('gives two texts two names, one text one name, and no name that Postgres would cut', () => {
  const statements = new PreparedStatements(() => undefined);
  const one = statements.nameOf('claim', 'SELECT 1');
  expect(one).toMatch(/^claim_[0-9a-f]{32}$/);
  expect(statements.nameOf('claim', 'SELECT 1')).toBe(one);
  expect(statements.nameOf('claim', 'SELECT 2')).not.toBe(one);
  expect(new PreparedStatements(() => undefined).nameOf('claim', 'SELECT 1')).toBe(one);
  expect(statements.nameOf('x'.repeat(100), 'SELECT 3')).toHaveLength(63);
});

test.each<[string, string, NamesRefused | null]>([
  ['26000', 'prepared statement "x" does not exist', '26000'],
  ['42P05', 'prepared statement "x" already exists', '42P05'],
  ['08P01', 'bind message supplies 1 parameters, but prepared statement "x" requires 2', '08P01'],
  ['08P01', 'prepared statement did not exist', '08P01'],
  ['08P01', 'server conn crashed?', null],
  ['40P01', 'deadlock detected', null],
])('%s, "%s", is a refusal of a name: %s', (code, message, expected) => {
  expect(nameRefusalOf(refusal(code, message))).toBe(expected);
});

test('repeats once without names, logs it once, and repeats no statement without a name', async () => {
  const reported: string[] = [];
  const statements = new PreparedStatements((reason) => reported.push(reason));
  let runs = 0;
  const work = (): Promise<never> => {
    runs += 1;
    return Promise.reject(refusal('26000'));
  };
  await expect(statements.repeatUnnamed(work)).rejects.toThrow('refused');
  expect(runs).toBe(2);
  await expect(statements.repeatUnnamed(work)).rejects.toThrow('refused');
  expect(runs).toBe(3);
  expect(statements.areUsed).toBe(false);
  expect(reported).toEqual(['26000']);
});
