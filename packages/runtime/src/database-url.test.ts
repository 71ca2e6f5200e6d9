import { parseDatabaseUrl, problemsOfDatabaseUrl } from './database-url.js';

test('takes a plain URL apart', () => {
  expect(parseDatabaseUrl('postgresql://u%40x:p%3Aw@db.example:6543/mi%20rror')).toEqual({
    host: 'db.example',
    port: 6543,
    user: 'u@x',
    password: 'p:w',
    database: 'mi rror',
    schema: 'syncline',
    applicationName: null,
    connectTimeoutMs: 10_000,
    tls: { mode: 'prefer', rootCert: null, cert: null, key: null },
  });
});

test('takes the parameters that are honoured', () => {
  expect(
    parseDatabaseUrl(
      'postgres://u@[::1]/db?schema=mirror&sslmode=verify-full&sslrootcert=/ca.pem&sslcert=c.pem&sslkey=k.pem&application_name=a&connect_timeout=3',
    ),
  ).toMatchObject({
    host: '::1',
    port: 5432,
    password: null,
    schema: 'mirror',
    applicationName: 'a',
    connectTimeoutMs: 3_000,
    tls: { mode: 'verify-full', rootCert: '/ca.pem', cert: 'c.pem', key: 'k.pem' },
  });
});

test('a Unix socket is named by its directory, and needs no TLS', () => {
  expect(
    parseDatabaseUrl('postgresql://u@localhost/db?host=/run/postgresql&sslmode=require'),
  ).toMatchObject({ host: '/run/postgresql', tls: { mode: 'disable' } });
});

test.each([
  ['several hosts', 'postgresql://u:p@a:5432,b:5433/db', /names several hosts: name the one/],
  ['several hosts without ports', 'postgresql://u:p@a,b/db', /names several hosts/],
  ['several hosts behind a protocol in capitals', 'POSTGRESQL://u@a,b/db', /names several hosts/],
  ['several sockets', 'postgresql://u@h/db?host=/a,/b', /only the directory of a Unix socket/],
  ['another protocol', 'mysql://u:p@h/db', /must be a URL like postgresql:/],
  ['no database', 'postgresql://u:p@h', /must be a URL like/],
  ['two paths', 'postgresql://u:p@h/a/b', /must be a URL like/],
  ['a wrong encoding', 'postgresql://u:p%@h/db', /must be a URL like/],
  [
    'options',
    'postgresql://h/db?options=-c%20search_path%3Dx',
    /^has options=, which is not honoured: settings belong to the role/,
  ],
  ['a limit of Prisma', 'postgresql://h/db?connection_limit=3', /DATABASE_POOL_SIZE/],
  [
    'an unknown parameter',
    'postgresql://h/db?sslmod=require',
    /^has a parameter that is not known/,
  ],
  ['the prototype', 'postgresql://h/db?constructor=1', /^has a parameter that is not known/],
  ['a parameter twice', 'postgresql://h/db?schema=a&schema=b', /^has schema= twice/],
  [
    'a mode of another driver',
    'postgresql://h/db?sslmode=no-verify',
    /one of disable, prefer, require, verify-ca, verify-full/,
  ],
  [
    'verify-ca without an authority',
    'postgresql://h/db?sslmode=verify-ca',
    /needs sslrootcert=FILE/,
  ],
  [
    'public authorities for verify-ca',
    'postgresql://h/db?sslmode=verify-ca&sslrootcert=system',
    /needs sslmode=verify-full/,
  ],
  ['a certificate without its key', 'postgresql://h/db?sslcert=c', /needs sslkey=/],
  [
    'a host among the parameters',
    'postgresql://h/db?host=other',
    /only the directory of a Unix socket/,
  ],
  ['no time to connect', 'postgresql://h/db?connect_timeout=0', /1 to 999 seconds/],
  ['an empty schema', 'postgresql://h/db?schema=', /1 to 63 bytes/],
  ['a schema of Postgres', 'postgresql://h/db?schema=pg_catalog', /no schema of Postgres itself/],
  ['a long schema', `postgresql://h/db?schema=${'x'.repeat(64)}`, /1 to 63 bytes/],
  ['a schema with a zero byte', 'postgresql://h/db?schema=a%00b', /1 to 63 bytes/],
])('refuses %s', (_, url, problem) => {
  expect(problemsOfDatabaseUrl(url)).toEqual([expect.stringMatching(problem)]);
  expect(() => parseDatabaseUrl(url)).toThrow(/^DATABASE_URL (has|must|names) /);
});

test('a comma in a password is no second host', () => {
  expect(problemsOfDatabaseUrl('postgresql://u:a,b@h/db')).toEqual([]);
});

test('no value is quoted', () => {
  const url =
    'postgresql://u:hunter2@h/db?schema=hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2&sslmode=hunter2&connect_timeout=hunter2&host=hunter2';
  const problems = problemsOfDatabaseUrl(url);
  expect(problems.length).toBeGreaterThanOrEqual(4);
  expect(problems.join('\n')).not.toContain('hunter2');
});
