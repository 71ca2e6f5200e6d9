import { randomBytes } from 'node:crypto';
import { migrate, openStore } from '@syncline/store';
import { makeAuthority, type Authority } from '../support/authority.js';
import { testRuntime } from '../support/database.js';
import { startPostgres, type TestPostgres } from '../support/postgres-server.js';
import { exited, startProgram, stopAll } from '../support/processes.js';

/*
 * `sslmode` and its files mean what libpq means by them, for every way to Postgres: migrations, the
 * pool, Prisma, the probe.
 */

let authority: Authority;
let stranger: Authority;
/** Takes nothing but TLS; its certificate is for `localhost`. */
let secured: TestPostgres;
let plain: TestPostgres;
beforeAll(async () => {
  authority = makeAuthority();
  stranger = makeAuthority();
  const { cert, key } = authority.issue('localhost', 'DNS:localhost');
  [secured, plain] = await Promise.all([
    startPostgres({
      settings: {
        ssl: 'on',
        ssl_cert_file: 'server.crt',
        ssl_key_file: 'server.key',
        ssl_ca_file: 'ca.crt',
      },
      files: { 'server.crt': cert, 'server.key': key, 'ca.crt': authority.ca },
      hba: ['hostssl all app 127.0.0.1/32 trust', 'hostssl all certified 127.0.0.1/32 cert'],
    }),
    startPostgres(),
  ]);
  for (const server of [secured, plain])
    await server.run(
      'CREATE ROLE app LOGIN CREATEDB',
      'CREATE DATABASE mirror OWNER app',
      'CREATE ROLE certified LOGIN',
      'GRANT CREATE ON DATABASE mirror TO certified',
    );
}, 120_000);
afterEach(stopAll);
afterAll(async () => {
  await Promise.all([secured.stop(), plain.stop()]);
  authority.remove();
  stranger.remove();
});

const urlOf = (
  server: TestPostgres,
  parameters: Record<string, string>,
  { host = '127.0.0.1', role = 'app' } = {},
): string =>
  `postgresql://${role}@${host}:${server.port}/mirror?${new URLSearchParams(parameters).toString()}`;

/** Everything that opens a session of its own. */
async function expectUsable(databaseUrl: string): Promise<void> {
  await migrate(databaseUrl);
  const store = await openStore(testRuntime(), { databaseUrl, masterKey: Buffer.alloc(32, 7) });
  try {
    await store.ping();
    await store.probeWrite();
    expect(await store.accounts.list()).toEqual([]); // By Prisma.
  } finally {
    await store.close();
  }
}

test.each<[string, () => string]>([
  ['no sslmode: TLS where the server has it', () => urlOf(secured, {})],
  ['no sslmode: plaintext where it has none', () => urlOf(plain, {})],
  ['prefer', () => urlOf(secured, { sslmode: 'prefer' })],
  ['disable, where the server takes plaintext', () => urlOf(plain, { sslmode: 'disable' })],
  ['require, without a word about authorities', () => urlOf(secured, { sslmode: 'require' })],
  [
    'verify-ca, whatever the name',
    () => urlOf(secured, { sslmode: 'verify-ca', sslrootcert: authority.caFile }),
  ],
  [
    'verify-full, by the name in the certificate',
    () =>
      urlOf(
        secured,
        { sslmode: 'verify-full', sslrootcert: authority.caFile },
        { host: 'localhost' },
      ),
  ],
])('works with %s', async (_, url) => {
  await expectUsable(url());
});

test('sends a certificate when the server requests one', async () => {
  const { certFile, keyFile } = authority.issue('certified');
  const parameters = {
    sslmode: 'verify-ca',
    sslrootcert: authority.caFile,
    schema: 'certified',
  };
  await expectUsable(
    urlOf(secured, { ...parameters, sslcert: certFile, sslkey: keyFile }, { role: 'certified' }),
  );
  await expect(expectUsable(urlOf(secured, parameters, { role: 'certified' }))).rejects.toThrow(
    /it refused the user or this way to connect .*certificate/,
  );
});

test.each<[string, () => string, RegExp]>([
  [
    'plaintext where the server takes none',
    () => urlOf(secured, { sslmode: 'disable' }),
    /it refused the user or this way to connect .*no encryption/,
  ],
  [
    'require where the server has no TLS',
    () => urlOf(plain, { sslmode: 'require' }),
    /it does not speak TLS, which sslmode=require asks for/,
  ],
  [
    'require with another authority, which makes it verify-ca',
    () => urlOf(secured, { sslmode: 'require', sslrootcert: stranger.caFile }),
    /its certificate is not issued by the authority in sslrootcert=/,
  ],
  [
    'verify-ca with another authority',
    () => urlOf(secured, { sslmode: 'verify-ca', sslrootcert: stranger.caFile }),
    /its certificate is not issued by the authority in sslrootcert=/,
  ],
  [
    'verify-full with a certificate for another name',
    () => urlOf(secured, { sslmode: 'verify-full', sslrootcert: authority.caFile }),
    /its certificate is for another name than 127\.0\.0\.1/,
  ],
  [
    'verify-full with an unknown authority',
    () => urlOf(secured, { sslmode: 'verify-full' }, { host: 'localhost' }),
    /is not issued by an authority that this program trusts: name the right one by sslrootcert=FILE/,
  ],
  [
    "a client's certificate of another authority",
    () => {
      const { certFile, keyFile } = stranger.issue('certified');
      const files = { sslrootcert: authority.caFile, sslcert: certFile, sslkey: keyFile };
      return urlOf(secured, { sslmode: 'verify-ca', ...files }, { role: 'certified' });
    },
    /it does not accept this TLS connection \(ERR_SSL_TLSV1_ALERT_\w+\): sslcert and sslkey must name/,
  ],
  [
    'a file that is not there',
    () => urlOf(secured, { sslmode: 'verify-full', sslrootcert: '/nowhere/ca.pem' }),
    /The file in sslrootcert= of DATABASE_URL cannot be read \(ENOENT\): correct its path/,
  ],
])('refuses %s', async (_, url, words) => {
  await expect(migrate(url())).rejects.toThrow(words);
  await expect(
    openStore(testRuntime(), { databaseUrl: url(), masterKey: randomBytes(32) }),
  ).rejects.toThrow(words);
});

test('a refused certificate is reported by each program in one sentence, without a stack', async () => {
  const env = {
    DATABASE_URL: urlOf(secured, { sslmode: 'verify-full', sslrootcert: authority.caFile }),
    REDIS_URL: 'redis://127.0.0.1:1',
    GOOGLE_API_URL: 'http://127.0.0.1:1',
    SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
  };
  for (const [program, ...args] of [['cli', 'migrate'], ['scheduler'], ['worker']] as const) {
    const { code, stdout, stderr } = await exited(startProgram(program, env, args));
    expect({ program, code }).toEqual({ program, code: 1 });
    expect(stdout + stderr).toContain('its certificate is for another name than 127.0.0.1');
    expect(stdout + stderr).not.toMatch(/\n\s+at /);
  }
}, 60_000);
