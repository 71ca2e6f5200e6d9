import { loadConfig } from './config.js';
import { INSECURE_KINDS, isLoopback, isUnverified, problemsOfInsecurity } from './insecure.js';

const LOCAL = [
  'localhost',
  'LOCALHOST',
  '127.0.0.1',
  '127.0.0.2',
  '127.255.0.9',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:2]',
];
const REMOTE = [
  'db',
  'db.example.com',
  '10.0.0.1',
  '0.0.0.0',
  '[::2]',
  '[::ffff:10.0.0.1]',
  'localhost.example.com',
  '127.0.0.1.example.com',
  '127.0.0.999',
  '128.0.0.1',
  // Names and forms that a resolver may map to any address.
  'localhost.',
  'ip6-localhost',
  'app.localhost',
  '[::]',
  '[::127.0.0.1]',
  '[::ffff:0a00:1]',
];

test('loopback is a name or an address of this machine, and nothing that resembles one', () => {
  expect(LOCAL.filter((host) => !isLoopback(host))).toEqual([]);
  expect(isLoopback('::1')).toBe(true);
  expect(REMOTE.filter(isLoopback)).toEqual([]);
  // Forms that servers may use to name each other.
  expect(isLoopback('::1%lo')).toBe(true);
  expect(['fe80::1%lo', '127.1', '0x7f000001', '2130706433', '', '?'].filter(isLoopback)).toEqual(
    [],
  );
});

describe('DATABASE_URL', () => {
  const urlOf = (host: string, mode: string | null): string =>
    `postgresql://u:hunter2@${host}:5432/mirror${mode === null ? '' : `?sslmode=${mode}`}`;
  const isRefused = (url: string, allowed?: string): boolean =>
    problemsOfInsecurity({ DATABASE_URL: url, SYNCLINE_ALLOW_INSECURE: allowed }).length > 0;

  test('beyond loopback must demand TLS: no sslmode, prefer and disable are refused', () => {
    const modes = [null, 'disable', 'prefer', 'require', 'verify-full'];
    const refused = (hosts: readonly string[]): object =>
      Object.fromEntries(
        modes.map((mode) => [mode, hosts.filter((host) => isRefused(urlOf(host, mode)))]),
      );
    expect(refused(REMOTE)).toEqual({
      null: REMOTE,
      disable: REMOTE,
      prefer: REMOTE,
      require: [],
      'verify-full': [],
    });
    expect(refused(LOCAL)).toEqual({
      null: [],
      disable: [],
      prefer: [],
      require: [],
      'verify-full': [],
    });
  });

  test('may name the directory of a Unix socket, whatever host precedes it', () => {
    expect(isRefused('postgresql://u@localhost/mirror?host=/run/postgresql')).toBe(false);
    expect(isRefused('postgresql://u@db/mirror?host=/run/postgresql')).toBe(false);
  });

  test('beyond loopback must have a password, or a certificate of the client, or the driver gets one', () => {
    const url = (user: string, host = 'db.example.com', more = ''): string =>
      `postgresql://${user}@${host}/mirror?sslmode=verify-full${more}`;
    const without = url('u');
    expect(isRefused(without)).toBe(true);
    expect(isRefused(url('u:'))).toBe(true);
    expect(isRefused(without, 'postgres,redis-password')).toBe(true);
    expect(isRefused(without, 'postgres-password')).toBe(false);
    expect(isRefused(url('u', 'localhost'))).toBe(false);
    expect(isRefused(url('u', 'db', '&host=/run/postgresql'))).toBe(false);
    expect(isRefused(url('u', 'db', '&sslcert=/c.pem&sslkey=/k.pem'))).toBe(false);
    for (const name of ['PGPASSWORD', 'PGPASSFILE'])
      expect(problemsOfInsecurity({ DATABASE_URL: without, [name]: 'x' })).toEqual([]);
  });

  test('may be plaintext anywhere by permission, which is for this kind alone', () => {
    expect(isRefused(urlOf('db', 'disable'), 'postgres')).toBe(false);
    expect(isRefused(urlOf('db', 'disable'), 'redis, postgres')).toBe(false);
    expect(isRefused(urlOf('db', 'disable'), 'redis,google-url')).toBe(true);
  });

  test('with sslmode=require and no authority is not verified beyond loopback', () => {
    const unverified = (mode: string, host = 'db', more = ''): boolean =>
      isUnverified(`${urlOf(host, mode)}${more}`);
    expect(unverified('require')).toBe(true);
    expect(unverified('require', 'localhost')).toBe(false);
    expect(unverified('require', 'db', '&sslrootcert=/ca.pem')).toBe(false);
    expect(unverified('verify-full')).toBe(false);
    expect(isUnverified(null)).toBe(false);
  });
});

describe('REDIS_URL', () => {
  const isRefused = (url: string, allowed?: string): boolean =>
    problemsOfInsecurity({ REDIS_URL: url, SYNCLINE_ALLOW_INSECURE: allowed }).length > 0;

  test('beyond loopback must speak TLS', () => {
    const hosts = [...LOCAL, ...REMOTE];
    expect(hosts.filter((host) => isRefused(`redis://:hunter2@${host}:6379`))).toEqual(REMOTE);
    expect(hosts.filter((host) => isRefused(`rediss://:hunter2@${host}:6379`))).toEqual([]);
  });

  test('must speak TLS when one of several sentinels is beyond loopback', () => {
    expect(isRefused('redis+sentinel://127.0.0.1,localhost/main')).toBe(false);
    expect(isRefused('redis+sentinel://:hunter2@127.0.0.1,other/main')).toBe(true);
    expect(isRefused('rediss+sentinel://:hunter2@127.0.0.1,other/main')).toBe(false);
  });

  test('may be plaintext anywhere by permission, which is for this kind alone', () => {
    expect(isRefused('redis://:hunter2@cache', 'redis')).toBe(false);
    expect(isRefused('redis://:hunter2@cache', 'postgres,redis-password,google-url')).toBe(true);
  });

  test('beyond loopback must have a password or a certificate, unless redis-password is allowed', () => {
    const hosts = [...LOCAL, ...REMOTE];
    expect(hosts.filter((host) => isRefused(`rediss://${host}:6379`))).toEqual(REMOTE);
    expect(hosts.filter((host) => isRefused(`rediss://app@${host}:6379`))).toEqual(REMOTE);
    expect(isRefused('rediss+sentinel://other/main?sentinelPassword=hunter2')).toBe(true);
    expect(isRefused('rediss+sentinel://:hunter2@other/main')).toBe(false);
    expect(isRefused('rediss://cache', 'redis-password')).toBe(false);
    expect(isRefused('rediss://cache', 'postgres,redis,google-url')).toBe(true);
    expect(isRefused('redis://cache', 'redis-password')).toBe(true);
    const REDIS_URL = 'rediss://cache';
    expect(problemsOfInsecurity({ REDIS_URL, REDIS_CERT_FILE: '/client.crt' })).toEqual([]);
    expect(problemsOfInsecurity({ REDIS_URL, REDIS_CA_FILE: '/ca.crt' })).toEqual([
      expect.stringMatching(/^REDIS_URL must have a password beyond loopback/),
    ]);
  });
});

test('GOOGLE_API_URL beyond loopback must be https', () => {
  const isRefused = (url: string, allowed?: string): boolean =>
    problemsOfInsecurity({ GOOGLE_API_URL: url, SYNCLINE_ALLOW_INSECURE: allowed }).length > 0;
  const hosts = [...LOCAL, ...REMOTE].filter((host) => URL.canParse(`http://${host}`));
  const remote = REMOTE.filter((host) => hosts.includes(host));
  expect(hosts.filter((host) => isRefused(`http://${host}:8787`))).toEqual(remote);
  expect(hosts.filter((host) => isRefused(`https://${host}:8787`))).toEqual([]);
  expect(isRefused('http://elsewhere', 'google-url')).toBe(false);
  expect(isRefused('http://elsewhere', 'postgres,redis')).toBe(true);
});

test('reports each kind in a sentence of its own with what to do, beside every other mistake, and quotes no value', () => {
  const env = {
    DATABASE_URL: 'postgresql://hunter2@hunter2/hunter2?sslmode=disable',
    REDIS_URL: 'redis://hunter2@hunter2',
    GOOGLE_API_URL: 'http://hunter2',
    SYNCLINE_MASTER_KEY: Buffer.alloc(32).toString('base64'),
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    SYNCLINE_ALLOW_INSECURE: 'everything',
  };
  const refusal = (): unknown => loadConfig(env, '/checkout');
  for (const kind of INSECURE_KINDS)
    expect(refusal).toThrow(`SYNCLINE_ALLOW_INSECURE=${kind} allows`);
  expect(refusal).toThrow('SYNCLINE_MASTER_KEY must not be all zero');
  expect(refusal).toThrow('NODE_TLS_REJECT_UNAUTHORIZED must not be 0');
  expect(refusal).toThrow('SYNCLINE_ALLOW_INSECURE must be a list of');
  expect(refusal).not.toThrow('hunter2');
});
