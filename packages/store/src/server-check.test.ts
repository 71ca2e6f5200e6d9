import { serverProblem, tooFewSessions, type ServerFacts } from './server-check.js';

const FIT: ServerFacts = {
  version: 160_004,
  encoding: 'UTF8',
  dateStyle: 'ISO, MDY',
  isStandby: false,
  isReadOnly: false,
  role: 'app',
  database: 'shop',
  mayCreateSchema: true,
  schemaRights: { usage: true, create: true },
  closedTables: 0,
  foreignOwner: null,
  sessions: { allowed: 97, taken: 10 },
};

test('a server, a database and a role that are fit have no problem', () => {
  for (const task of ['migrate', 'start'] as const) {
    expect(serverProblem(FIT, 'syncline', task)).toBeNull();
    expect(serverProblem({ ...FIT, schemaRights: null }, 'syncline', task)).toBeNull();
  }
});

test.each<[string, Partial<ServerFacts>, string]>([
  ['an old version', { version: 130_014 }, 'version 13.14, and Syncline needs 14 or newer'],
  ['another encoding', { encoding: 'LATIN1' }, "CREATE DATABASE syncline ENCODING 'UTF8'"],
  ['no encoding', { encoding: 'SQL_ASCII' }, 'has the encoding SQL_ASCII'],
  ['a standby', { isStandby: true, isReadOnly: true }, 'is a standby'],
  [
    'a read-only role',
    { isReadOnly: true },
    'ALTER ROLE "app" SET default_transaction_read_only = off;',
  ],
  [
    'a DateStyle of its own',
    { dateStyle: 'German, DMY' },
    `ALTER ROLE "app" SET DateStyle = 'ISO';`,
  ],
])('%s is refused at migrate and at each start', (_, facts, words) => {
  for (const task of ['migrate', 'start'] as const)
    expect(serverProblem({ ...FIT, ...facts }, 'syncline', task)).toContain(words);
});

test.each<[string, Partial<ServerFacts>, string]>([
  [
    'no right to create the schema',
    { schemaRights: null, mayCreateSchema: false },
    'GRANT CREATE ON DATABASE "shop" TO "app";',
  ],
  [
    'no right to create tables',
    { schemaRights: { usage: true, create: false } },
    'GRANT USAGE, CREATE ON SCHEMA "mirror" TO "app";',
  ],
  ['tables of another role', { foreignOwner: 'boss' }, 'GRANT "boss" TO "app";'],
])('%s keeps from migrating, not from working', (_, facts, words) => {
  expect(serverProblem({ ...FIT, ...facts }, 'mirror', 'migrate')).toContain(words);
  expect(serverProblem({ ...FIT, ...facts }, 'mirror', 'start')).toBeNull();
});

test.each<[string, Partial<ServerFacts>, string]>([
  [
    'no USAGE',
    { schemaRights: { usage: false, create: false } },
    'GRANT USAGE ON SCHEMA "mirror" TO "app";',
  ],
  [
    'a table without rights',
    { closedTables: 1 },
    'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "mirror" TO "app";',
  ],
])('%s keeps from working', (_, facts, words) => {
  expect(serverProblem({ ...FIT, ...facts }, 'mirror', 'start')).toContain(words);
});

test('sessions are compared with what the server has left', () => {
  const limits = (allowed: number, taken: number): Pick<ServerFacts, 'sessions' | 'role'> => ({
    role: 'app',
    sessions: { allowed, taken },
  });
  expect(tooFewSessions(limits(97, 10), 87)).toBeNull();
  expect(tooFewSessions(limits(97, 10), 88)).toMatch(
    /^Up to 88 sessions .* others have 10 now, and "app" may have 97 in all: lower DATABASE_POOL_SIZE/,
  );
});
