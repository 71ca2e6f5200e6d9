import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { concurrencyFor, loadConfig, type Requirement } from './config.js';
import { ConfigError } from './errors.js';
import { readServiceAccount } from './resources/gmail/push-config.js';

const KEY_BYTES = Buffer.from(Array.from({ length: 32 }, (_, at) => (at * at * 7 + 3) % 251));
const KEY = KEY_BYTES.toString('base64');
const SIMULATED = { GOOGLE_API_URL: 'http://127.0.0.1:8787' };

let dir: string;
beforeAll(() => (dir = mkdtempSync(path.join(tmpdir(), 'syncline-config-'))));
afterAll(() => rmSync(dir, { recursive: true }));

function problemsOf(env: NodeJS.ProcessEnv, requires?: readonly Requirement[]): string[] {
  try {
    loadConfig(env, '/checkout', requires);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('a configuration that can be used', () => {
  test('needs nothing but an OAuth client, and keeps to Google’s 2026 quotas', () => {
    expect(
      loadConfig({ GOOGLE_CLIENT_ID: 'id', GOOGLE_CLIENT_SECRET: 'secret' }, '/checkout'),
    ).toEqual({
      auditEveryMs: 86_400_000,
      changesKeptMs: 90 * 86_400_000,
      databaseApiUrl: null,
      apiPoolSize: 10,
      databasePoolSize: null,
      databaseUrl: null,
      migrationLockWaitMs: 300_000,
      redisUrl: null,
      redisPrefix: 'syncline',
      redisTls: null,
      dataDir: '/checkout/.syncline',
      google: {
        apiUrl: null,
        clientId: 'id',
        clientSecret: 'secret',
        projects: [],
        proxy: null,
      },
      allowInsecure: [],
      masterKey: null,
      oldMasterKey: null,
      quotas: {
        gmailUnitsPerUserMinute: 6000,
        gmailUnitsPerProjectMinute: 1_200_000,
        gmailUnitsPerProjectDay: 80_000_000,
        calendarRequestsPerUserMinute: 600,
        calendarRequestsPerProjectMinute: 10_000,
        peopleRequestsPerUserMinute: 90,
        peopleRequestsPerProjectMinute: 1_000_000,
        gmailTier: 'new',
      },
      poll: { activeMs: 60_000, idleMs: 900_000 },
      mirror: { bodies: 'full', exclude: [], windowDays: null },
      workerConcurrency: expect.any(Number),
      workerStuckAfterMs: 60_000,
      host: '127.0.0.1',
      port: 3000,
      operatorHost: '127.0.0.1',
      operatorPort: 3001,
      connect: { publicUrl: null, returnTo: [], appName: 'this application' },
      httpKeepAliveMs: 65_000,
      metricsPort: null,
      logLevel: 'info',
      push: null,
    });
  });

  test('takes every variable', () => {
    const config = loadConfig(
      {
        DATABASE_URL: 'postgresql://u:p@db:5432/mirror?sslmode=verify-full',
        REDIS_URL: 'rediss://:p@cache:6380/1',
        SYNCLINE_DATA_DIR: '/data',
        SYNCLINE_MASTER_KEY: KEY,
        GOOGLE_API_URL: 'http://127.0.0.1:8787/',
        GMAIL_UNITS_PER_USER_MINUTE: '250',
        GMAIL_QUOTA_TIER: 'legacy',
        POLL_INTERVAL_ACTIVE_SECONDS: '5',
        WORKER_CONCURRENCY: '3',
        PORT: '0',
        LOG_LEVEL: 'debug',
        GMAIL_PUBSUB_TOPIC: 'projects/p/topics/t',
        PUSH_BASE_URL: 'https://sync.example.com/in/',
      },
      '/checkout',
    );
    expect(config).toMatchObject({
      databaseUrl: 'postgresql://u:p@db:5432/mirror?sslmode=verify-full',
      redisUrl: 'rediss://:p@cache:6380/1',
      dataDir: '/data',
      masterKey: KEY_BYTES,
      oldMasterKey: null,
      google: {
        apiUrl: 'http://127.0.0.1:8787',
        clientId: 'syncline-demo',
        clientSecret: 'syncline-demo',
      },
      quotas: { gmailUnitsPerUserMinute: 250, gmailTier: 'legacy' },
      poll: { activeMs: 5000 },
      workerConcurrency: 3,
      port: 0,
      logLevel: 'debug',
      push: {
        topic: 'projects/p/topics/t',
        baseUrl: 'https://sync.example.com/in',
        subscription: null,
        audience: null,
        serviceAccount: null,
      },
    });
  });

  test('reads a secret from the file that a _FILE variable names, without its last newline', () => {
    const file = path.join(dir, 'secret');
    writeFileSync(file, 'from-file\n');
    expect(
      loadConfig({ GOOGLE_CLIENT_ID: 'id', GOOGLE_CLIENT_SECRET_FILE: file }, '/checkout').google
        .clientSecret,
    ).toBe('from-file');
  });

  test('takes a push’s own address for its audience, unless the subscription was made with another', () => {
    const pushed = {
      ...SIMULATED,
      PUSH_BASE_URL: 'http://127.0.0.1:3000',
      PUSH_GMAIL_SERVICE_ACCOUNT: 'push@p.iam.gserviceaccount.com',
    };
    expect(loadConfig(pushed, '/checkout', ['notifications']).push).toMatchObject({
      audience: 'http://127.0.0.1:3000/push/gmail',
    });
    expect(
      loadConfig({ ...pushed, PUSH_GMAIL_AUDIENCE: 'mine' }, '/checkout', ['notifications']).push,
    ).toMatchObject({ audience: 'mine' });
    expect(
      loadConfig({ ...SIMULATED, PUSH_BASE_URL: 'https://sync.example.com' }, '/checkout', [
        'notifications',
      ]).push,
    ).toMatchObject({ audience: null });
  });

  test('reads the key of the service account that pulls', () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2_048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const file = path.join(dir, 'key.json');
    writeFileSync(
      file,
      JSON.stringify({
        type: 'service_account',
        client_email: 'pull@p.iam.gserviceaccount.com',
        private_key: privateKey,
        private_key_id: 'k1',
      }),
    );
    const pulled = {
      ...SIMULATED,
      GMAIL_PUBSUB_SUBSCRIPTION: 'projects/p/subscriptions/s',
      GOOGLE_APPLICATION_CREDENTIALS: file,
    };
    expect(loadConfig(pulled, '/checkout', ['notifications']).push).toMatchObject({
      credentialsFile: file,
    });
    expect(readServiceAccount(file)).toEqual({
      email: 'pull@p.iam.gserviceaccount.com',
      privateKey,
      keyId: 'k1',
    });
  });

  test('asks for a receiver’s variables only where notifications are received', () => {
    expect(
      loadConfig(
        {
          ...SIMULATED,
          GMAIL_PUBSUB_SUBSCRIPTION: 'projects/p/subscriptions/s',
          PUSH_GMAIL_AUDIENCE: 'x',
        },
        '/checkout',
      ),
    ).toMatchObject({ push: { audience: 'x' } });
  });

  test('treats an empty variable as unset, as compose files pass it', () => {
    expect(loadConfig({ ...SIMULATED, PORT: '', DATABASE_URL: '' }, '/checkout')).toMatchObject({
      port: 3000,
      metricsPort: null,
      databaseUrl: null,
    });
  });

  test('needs no Google client and no key where the process has no use for them', () => {
    expect(
      loadConfig({ DATABASE_URL: 'postgres://u@localhost/mirror' }, '/checkout', []),
    ).toMatchObject({
      masterKey: null,
      oldMasterKey: null,
      google: { clientId: null },
    });
  });

  test('a worker’s concurrency is chosen from the cores within bounds', () => {
    expect([1, 2, 8, 128].map(concurrencyFor)).toEqual([48, 48, 64, 64]);
  });
});

describe('a wrong configuration is refused by name', () => {
  test.each<[string, NodeJS.ProcessEnv, RegExp]>([
    [
      'another database',
      { DATABASE_URL: 'mysql://u:p@db/x', SYNCLINE_MASTER_KEY: KEY },
      /^DATABASE_URL must be a URL like postgresql:/,
    ],
    [
      'a database URL without a database',
      { DATABASE_URL: 'postgres://u:p@db', SYNCLINE_MASTER_KEY: KEY },
      /^DATABASE_URL must/,
    ],
    [
      'a database URL without a host',
      { DATABASE_URL: 'postgres:///db', SYNCLINE_MASTER_KEY: KEY },
      /^DATABASE_URL must/,
    ],
    [
      'a database without a key',
      { DATABASE_URL: 'postgres://u:p@127.0.0.1/x' },
      /^SYNCLINE_MASTER_KEY is required with DATABASE_URL/,
    ],
    ['an http Redis', { REDIS_URL: 'http://cache' }, /^REDIS_URL must/],
    ['a Redis without a scheme', { REDIS_URL: 'cache:6379' }, /^REDIS_URL must/],
    [
      'a key of 16 bytes',
      { SYNCLINE_MASTER_KEY: Buffer.alloc(16).toString('base64') },
      /^SYNCLINE_MASTER_KEY must be 32 bytes in base64/,
    ],
    [
      'a key that is all zero',
      { SYNCLINE_MASTER_KEY: Buffer.alloc(32).toString('base64') },
      /^SYNCLINE_MASTER_KEY must not be all zero/,
    ],
    ...[
      'change-me-change-me-change-me-change-me-123',
      'default-dev-secret-change-in-production-000',
      'this-is-my-very-secret-master-key-for-prod_',
      Buffer.from('correct horse battery staple 123').toString('base64'),
      Buffer.from('abcdefghijklmnopqrstuvwxyz012345').toString('base64'),
      Buffer.from('00112233445566778899aabbccddeeff').toString('base64'),
      Buffer.from([...Array<number>(24).fill(0), 1, 9, 8, 7, 5, 3, 2, 4]).toString('base64'),
      Buffer.from([...Array(16).keys(), ...[...Array(16).keys()].toReversed()]).toString('base64'),
    ].map((key): [string, Record<string, string>, RegExp] => [
      `a key that somebody typed or made up: ${key}`,
      { SYNCLINE_MASTER_KEY: key },
      /^SYNCLINE_MASTER_KEY must not be all zero, a pattern, an arithmetic sequence of bytes or typed text/,
    ]),
    [
      'an old key that is all zero',
      { SYNCLINE_MASTER_KEY: KEY, SYNCLINE_MASTER_KEY_OLD: Buffer.alloc(32).toString('base64') },
      /^SYNCLINE_MASTER_KEY_OLD must not be all zero/,
    ],
    [
      'an old key that is the key',
      { SYNCLINE_MASTER_KEY: KEY, SYNCLINE_MASTER_KEY_OLD: KEY },
      /^SYNCLINE_MASTER_KEY_OLD must not be SYNCLINE_MASTER_KEY/,
    ],
    [
      'a key of one byte over and over',
      { SYNCLINE_MASTER_KEY: Buffer.alloc(32, 0xff).toString('base64') },
      /^SYNCLINE_MASTER_KEY must not be all zero, a pattern/,
    ],
    [
      'a key of a short pattern',
      { SYNCLINE_MASTER_KEY: Buffer.alloc(32, 'secret').toString('base64') },
      /^SYNCLINE_MASTER_KEY must not be all zero, a pattern/,
    ],
    [
      'a key of a piece of 16 bytes, twice',
      { SYNCLINE_MASTER_KEY: Buffer.alloc(32, 'correct horse ba').toString('base64') },
      /^SYNCLINE_MASTER_KEY must not be all zero, a pattern/,
    ],
    [
      'a key of a piece of 11 bytes, cut off',
      { SYNCLINE_MASTER_KEY: Buffer.alloc(32, 'my password').toString('base64') },
      /^SYNCLINE_MASTER_KEY must not be all zero, a pattern/,
    ],
    ...[1, 7, 0xff].map((step): [string, NodeJS.ProcessEnv, RegExp] => [
      `a key of bytes that are ${step} apart`,
      {
        SYNCLINE_MASTER_KEY: Buffer.from(
          Array.from({ length: 32 }, (_, at) => 40 + at * step),
        ).toString('base64'),
      },
      /^SYNCLINE_MASTER_KEY must not be all zero, a pattern/,
    ]),
    ['a key in hex', { SYNCLINE_MASTER_KEY: 'ab'.repeat(32) }, /^SYNCLINE_MASTER_KEY must/],
    [
      'a Google with a path',
      { GOOGLE_API_URL: 'http://127.0.0.1:8787/gmail' },
      /^GOOGLE_API_URL must be an origin/,
    ],
    ['a Google that is no URL', { GOOGLE_API_URL: 'localhost' }, /^GOOGLE_API_URL must/],
    [
      'a Google with credentials in it',
      { GOOGLE_API_URL: 'http://me:secret@localhost' },
      /^GOOGLE_API_URL must/,
    ],
    [
      'no quota',
      { GMAIL_UNITS_PER_USER_MINUTE: '0' },
      /^GMAIL_UNITS_PER_USER_MINUTE must be a whole number from 1/,
    ],
    [
      'a fractional quota',
      { CALENDAR_REQUESTS_PER_USER_MINUTE: '1.5' },
      /^CALENDAR_REQUESTS_PER_USER_MINUTE must/,
    ],
    [
      'a quota in words',
      { GMAIL_UNITS_PER_PROJECT_DAY: '80M' },
      /^GMAIL_UNITS_PER_PROJECT_DAY must/,
    ],
    [
      'a negative quota',
      { GMAIL_UNITS_PER_PROJECT_MINUTE: '-1' },
      /^GMAIL_UNITS_PER_PROJECT_MINUTE must/,
    ],
    ['an unknown tier', { GMAIL_QUOTA_TIER: 'old' }, /^GMAIL_QUOTA_TIER must be new or legacy/],
    [
      'an interval with a unit',
      { POLL_INTERVAL_ACTIVE_SECONDS: '60s' },
      /^POLL_INTERVAL_ACTIVE_SECONDS must/,
    ],
    [
      'an interval of nothing',
      { POLL_INTERVAL_IDLE_SECONDS: '0' },
      /^POLL_INTERVAL_IDLE_SECONDS must/,
    ],
    [
      'a place that mail does not lie in',
      { MIRROR_EXCLUDE: 'spam,inbox' },
      /^MIRROR_EXCLUDE must be a list of spam, trash, drafts, separated by commas/,
    ],
    [
      'a window of nothing',
      { MIRROR_WINDOW_DAYS: '0' },
      /^MIRROR_WINDOW_DAYS must be a whole number from 1 to 20000/,
    ],
    [
      'a Google in plaintext beyond this machine',
      { GOOGLE_API_URL: 'http://elsewhere' },
      /^GOOGLE_API_URL must be https beyond loopback.*SYNCLINE_ALLOW_INSECURE=google-url/,
    ],
    [
      'a Google that only looks like this machine',
      { GOOGLE_API_URL: 'http://127.0.0.1.example.com' },
      /^GOOGLE_API_URL must be https beyond loopback/,
    ],
    [
      'certificates that are not checked',
      { NODE_TLS_REJECT_UNAUTHORIZED: '0', SYNCLINE_ALLOW_INSECURE: 'google-url,postgres,redis' },
      /^NODE_TLS_REJECT_UNAUTHORIZED must not be 0/,
    ],
    [
      'an unknown kind of plaintext',
      { SYNCLINE_ALLOW_INSECURE: 'google-url,everything' },
      /^SYNCLINE_ALLOW_INSECURE must be a list of postgres, postgres-password, redis, redis-password, google-url/,
    ],
    ...[
      'proxy:3128',
      'socks5://proxy:1080',
      'http://proxy/path',
      'http://u:%zz@proxy',
      'http://',
    ].flatMap((url) =>
      ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].map(
        (name): [string, NodeJS.ProcessEnv, RegExp] => [
          `${name}=${url}`,
          { [name]: url },
          new RegExp(`^${name} must be a URL like http:`),
        ],
      ),
    ),
    ['no concurrency', { WORKER_CONCURRENCY: '0' }, /^WORKER_CONCURRENCY must/],
    ['a port too high', { PORT: '65536' }, /^PORT must be a whole number from 0 to 65535/],
    ['an address by name', { HOST: 'x86_64-conda-linux-gnu' }, /^HOST must be an IP address/],
    ["an operators' address by name", { OPERATOR_HOST: 'web1' }, /^OPERATOR_HOST must be an IP/],
    ["an operators' port by name", { OPERATOR_PORT: 'http' }, /^OPERATOR_PORT must/],
    ['a keep-alive time of nothing', { HTTP_KEEP_ALIVE_SECONDS: '0' }, /^HTTP_KEEP_ALIVE_SECONDS/],
    ['a port by name', { PORT: 'http' }, /^PORT must/],
    ['an unknown level', { LOG_LEVEL: 'verbose' }, /^LOG_LEVEL must be one of fatal, error, warn/],
    [
      'a topic without its project',
      { GMAIL_PUBSUB_TOPIC: 'mail' },
      /^GMAIL_PUBSUB_TOPIC must look like projects\/P\/topics\/T/,
    ],
    [
      'a topic for a subscription',
      { GMAIL_PUBSUB_SUBSCRIPTION: 'projects/p/topics/t' },
      /^GMAIL_PUBSUB_SUBSCRIPTION must/,
    ],
    [
      'a push address in clear text',
      { PUSH_BASE_URL: 'http://sync.example.com' },
      /^PUSH_BASE_URL must be a public https address/,
    ],
    [
      'a push address that looks local',
      { PUSH_BASE_URL: 'http://localhost.example.com' },
      /^PUSH_BASE_URL must/,
    ],
    [
      'a service account without a domain',
      { PUSH_GMAIL_SERVICE_ACCOUNT: 'pusher' },
      /^PUSH_GMAIL_SERVICE_ACCOUNT must/,
    ],
    [
      'a variable with a typing error',
      { SYNCLINE_DATADIR: '/x' },
      /^SYNCLINE_DATADIR is not a variable of Syncline; did you mean SYNCLINE_DATA_DIR\?$/,
    ],
    [
      'a variable like no other',
      { SYNCLINE_TELEPORT_TARGET: '1' },
      /^SYNCLINE_TELEPORT_TARGET is not a variable of Syncline$/,
    ],
    [
      'a secret given twice',
      { GOOGLE_CLIENT_ID: 'a', GOOGLE_CLIENT_ID_FILE: __filename },
      /^GOOGLE_CLIENT_ID and GOOGLE_CLIENT_ID_FILE are both set/,
    ],
    [
      'a secret file that is not there',
      { REDIS_URL_FILE: '/nowhere/redis' },
      /^REDIS_URL_FILE names a file that cannot be read \(ENOENT\)/,
    ],
    [
      'a variable without a _FILE form',
      { SYNCLINE_DATA_DIR_FILE: '/x' },
      /^SYNCLINE_DATA_DIR_FILE is not a variable of Syncline/,
    ],
  ])('%s', (_, env, expected) => {
    expect(problemsOf({ ...SIMULATED, ...env })).toEqual([expect.stringMatching(expected)]);
  });

  test.each<[string, NodeJS.ProcessEnv, RegExp]>([
    [
      'a subscription without a sender',
      { PUSH_GMAIL_SUBSCRIPTION: 'projects/p/subscriptions/s' },
      /^PUSH_GMAIL_SERVICE_ACCOUNT is required with PUSH_GMAIL_SUBSCRIPTION/,
    ],
    [
      'an audience without a sender',
      { PUSH_GMAIL_AUDIENCE: 'x' },
      /^PUSH_GMAIL_SERVICE_ACCOUNT is required with PUSH_GMAIL_AUDIENCE/,
    ],
    [
      'a sender without an audience',
      { PUSH_GMAIL_SERVICE_ACCOUNT: 'push@p.iam.gserviceaccount.com' },
      /^PUSH_GMAIL_AUDIENCE is required/,
    ],
    [
      'a subscription without a key',
      { GMAIL_PUBSUB_SUBSCRIPTION: 'projects/p/subscriptions/s' },
      /^GOOGLE_APPLICATION_CREDENTIALS is required/,
    ],
    [
      'a key that is none',
      {
        GMAIL_PUBSUB_SUBSCRIPTION: 'projects/p/subscriptions/s',
        GOOGLE_APPLICATION_CREDENTIALS: __filename,
      },
      /^GOOGLE_APPLICATION_CREDENTIALS names no readable key file/,
    ],
  ])('where notifications are received: %s', (_, env, expected) => {
    expect(problemsOf({ ...SIMULATED, ...env }, ['google', 'master-key', 'notifications'])).toEqual(
      [expect.stringMatching(expected)],
    );
  });

  test('real Google without an OAuth client', () => {
    expect(problemsOf({})).toEqual([
      expect.stringMatching(/^GOOGLE_CLIENT_ID is required/),
      expect.stringMatching(/^GOOGLE_CLIENT_SECRET is required/),
    ]);
  });

  test('an empty secret file', () => {
    const file = path.join(dir, 'empty');
    writeFileSync(file, '\n');
    expect(problemsOf({ ...SIMULATED, SYNCLINE_MASTER_KEY_FILE: file })).toContainEqual(
      'SYNCLINE_MASTER_KEY_FILE names an empty file',
    );
  });
});

describe('the way to Google', () => {
  const proxyOf = (env: NodeJS.ProcessEnv) =>
    loadConfig({ ...SIMULATED, ...env }, '/checkout').google.proxy;

  test('goes through the proxies that are named, by scheme, and past the hosts of NO_PROXY', () => {
    expect(
      proxyOf({
        HTTPS_PROXY: 'http://user:p%40ss@proxy:3128',
        HTTP_PROXY: 'https://other',
        NO_PROXY: 'localhost,.example.com',
      }),
    ).toEqual({
      httpsUrl: 'http://user:p%40ss@proxy:3128',
      httpUrl: 'https://other',
      noProxy: 'localhost,.example.com',
    });
  });

  test('is chosen by the lower-case forms where both are set', () => {
    expect(
      proxyOf({
        HTTPS_PROXY: 'http://upper',
        https_proxy: 'http://lower',
        HTTP_PROXY: 'http://upper',
        http_proxy: '',
        NO_PROXY: 'upper',
        no_proxy: 'lower',
      }),
    ).toEqual({ httpsUrl: 'http://lower', httpUrl: 'http://upper', noProxy: 'lower' });
  });

  test('is straight where only NO_PROXY is set', () => {
    expect(proxyOf({ NO_PROXY: '*' })).toBeNull();
  });

  test('may be plain http on this machine, and elsewhere by permission', () => {
    for (const host of ['localhost:1', '127.0.0.1:1', '127.1.2.3:1', '[::1]:1'])
      expect(loadConfig({ GOOGLE_API_URL: `http://${host}` }, '/checkout').google.apiUrl).toBe(
        `http://${host}`,
      );
    expect(
      loadConfig(
        { GOOGLE_API_URL: 'http://elsewhere', SYNCLINE_ALLOW_INSECURE: 'google-url' },
        '/checkout',
      ),
    ).toMatchObject({ google: { apiUrl: 'http://elsewhere' }, allowInsecure: ['google-url'] });
  });
});

test('variables that the driver of Postgres would read behind the URL are refused, and those that fill it in are not', () => {
  const read = {
    PGOPTIONS: '-c x=secret',
    PGREPLICATION: 'database',
    PGSSLNEGOTIATION: 'direct',
  };
  expect(problemsOf({ ...SIMULATED, ...read })).toEqual([
    expect.stringMatching(/^PGOPTIONS is set, which is not honoured: settings belong to the role/),
    expect.stringMatching(/^PGREPLICATION is set, which is not honoured: /),
    expect.stringMatching(/^PGSSLNEGOTIATION is set, which is not honoured: .*sslmode=/),
  ]);
  expect(problemsOf({ ...SIMULATED, ...read }).join()).not.toContain('secret');
  const filling = { PGUSER: 'u', PGPASSWORD: 'p', PGPASSFILE: '/f', PGAPPNAME: 'a', PGOPTIONS: '' };
  const decided = { PGHOST: 'h', PGPORT: '1', PGDATABASE: 'd', PGSSLMODE: 'disable' };
  expect(problemsOf({ ...SIMULATED, ...filling, ...decided })).toEqual([]);
});

test('of bodies there are four policies', () => {
  expect(loadConfig({ ...SIMULATED, MIRROR_BODIES: 'raw' }, '/checkout').mirror.bodies).toBe('raw');
  expect(() => loadConfig({ ...SIMULATED, MIRROR_BODIES: 'mime' }, '/checkout')).toThrow(
    'MIRROR_BODIES must be full, raw, text or none',
  );
});

test('MIRROR_EXCLUDE has one order and no duplicates', () => {
  const { mirror } = loadConfig(
    { ...SIMULATED, MIRROR_EXCLUDE: 'drafts, spam,spam', MIRROR_WINDOW_DAYS: '30' },
    '/checkout',
  );
  expect(mirror).toEqual({ bodies: 'full', exclude: ['spam', 'drafts'], windowDays: 30 });
});

test('every mistake is listed at once, and no value is ever quoted', () => {
  const secrets = {
    DATABASE_URL: 'mysql://root:hunter2@db',
    SYNCLINE_MASTER_KEY: 'hunter2',
    SYNCLINE_MASTERKEY: 'hunter2',
    PORT: 'hunter2',
    REDIS_URL: 'hunter2',
  };
  expect(() => loadConfig(secrets, '/checkout')).toThrow(
    expect.objectContaining({
      message: expect.not.stringContaining('hunter2'),
      problems: [
        'SYNCLINE_MASTERKEY',
        'DATABASE_URL',
        'REDIS_URL',
        'SYNCLINE_MASTER_KEY',
        'PORT',
        'GOOGLE_CLIENT_ID',
        'GOOGLE_CLIENT_SECRET',
      ].map((name) => expect.stringMatching(new RegExp(`^${name} `))),
    }),
  );
});

test('variables of programs that use the HTTP API are no mistake', () => {
  const env = { SYNCLINE_API_URL: 'http://127.0.0.1:3000', SYNCLINE_API_KEY: 'synk_x' };
  expect(problemsOf({ ...SIMULATED, ...env })).toEqual([]);
});

describe('the settings of the connect pages', () => {
  const GOOGLE = { GOOGLE_CLIENT_ID: 'id', GOOGLE_CLIENT_SECRET: 'secret' };
  it('are an address of the API, a name, and a list of addresses', () => {
    const { connect } = loadConfig(
      {
        ...GOOGLE,
        PUBLIC_URL: 'https://sync.example.com/',
        CONNECT_APP_NAME: 'Acme',
        CONNECT_RETURN_TO: 'https://app.acme.com, http://localhost:5000/done',
      },
      '/checkout',
    );
    expect(connect).toEqual({
      publicUrl: 'https://sync.example.com',
      appName: 'Acme',
      returnTo: ['https://app.acme.com/', 'http://localhost:5000/done'],
    });
  });
  it.each([
    ['PUBLIC_URL', 'http://sync.example.com'],
    ['CONNECT_RETURN_TO', 'http://app.acme.com'],
    ['CONNECT_RETURN_TO', 'https://user:secret@app.acme.com'],
    ['CONNECT_RETURN_TO', 'javascript:alert(1)'],
    ['CONNECT_APP_NAME', 'a\nb'],
  ])('%s must not be %j', (name, value) => {
    expect(() => loadConfig({ ...GOOGLE, [name]: value }, '/checkout')).toThrow(name);
  });
});
