import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { REDIS_COMMANDS, UNTRIED_COMMANDS } from '@syncline/runtime';
import { VARIABLES } from '../../packages/runtime/src/variables.js';
import { readCompose, ROOT } from '../support/compose.js';

const compose = readCompose();
const services = Object.entries(compose.services);
const OURS = ['migrate', 'scheduler', 'worker', 'api'];

test('the compose file has every process, and each waits for what it needs', () => {
  expect(Object.keys(compose.services).toSorted()).toEqual([
    'api',
    'migrate',
    'postgres',
    'redis',
    'scheduler',
    'secrets',
    'simulator',
    'worker',
  ]);
  for (const name of ['scheduler', 'worker', 'api'])
    expect(compose.services[name]?.depends_on).toEqual({
      postgres: { condition: 'service_healthy' },
      redis: { condition: 'service_healthy' },
      migrate: { condition: 'service_completed_successfully' },
    });
  for (const name of OURS)
    expect(compose.services[name]?.environment).toMatchObject({
      // Its network is its own; its Redis asks for a password all the same.
      SYNCLINE_ALLOW_INSECURE: 'postgres,redis',
    });
  for (const name of ['postgres', 'redis'])
    expect(compose.services[name]?.depends_on).toEqual({
      secrets: { condition: 'service_completed_successfully' },
    });
  expect(compose.services['simulator']?.profiles).toEqual(['simulator']);
});

test('every command names a program of this repository, and the image is built from a file that exists', () => {
  const commands = services
    .map(([, { command }]) => command)
    .filter((command) => command?.[0] === 'node');
  expect(commands).toHaveLength(6);
  for (const command of commands) {
    const source = command![1]!.replace(/^\//, '').replace(/\/dist\/(.*)\.js$/, '/src/$1.ts');
    expect([source, existsSync(path.join(ROOT, source))]).toEqual([source, true]);
  }
  expect(existsSync(path.join(ROOT, compose.services['worker']!.build!.dockerfile))).toBe(true);
});

test('ports are published on loopback only, Redis persists its data, and every service that keeps running has a health check', () => {
  for (const [, { ports }] of services)
    for (const port of ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  expect(compose.services['api']?.ports).toEqual(['127.0.0.1:3000:3000', '127.0.0.1:3001:3001']);
  expect(readCompose({ PORT: '80', OPERATOR_PORT: '81' }).services['api']?.ports).toEqual([
    '127.0.0.1:80:3000',
    '127.0.0.1:81:3001',
  ]);
  expect(compose.services['redis']?.command).toEqual(
    expect.arrayContaining(['noeviction', '--appendonly', 'yes']),
  );
  for (const [name, { healthcheck }] of services)
    expect([name, (healthcheck?.test.length ?? 0) > 1]).toEqual([
      name,
      !['secrets', 'migrate'].includes(name),
    ]);
});

test('every container is read-only, without capabilities, and gains no privileges', () => {
  for (const [name, service] of services) {
    expect([name, service]).toEqual([
      name,
      expect.objectContaining({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      }),
    ]);
    // `secrets` changes the owners of files, and has no network.
    expect([name, service.cap_add, service.network_mode]).toEqual(
      name === 'secrets' ? [name, ['CHOWN'], 'none'] : [name, undefined, undefined],
    );
  }
  // Our image has a user of its own; all others get theirs from the compose file.
  expect(readFileSync(path.join(ROOT, 'deploy/Dockerfile'), 'utf8')).toMatch(
    /^USER (?:node|1000)/m,
  );
  for (const name of ['postgres', 'redis']) expect(compose.services[name]?.user).toBe('999:999');
});

test('images of others are named by their exact version', () => {
  const foreign = services.map(([, { image }]) => image).filter((image) => image !== 'syncline');
  expect(foreign).toHaveLength(2);
  for (const image of foreign)
    expect(image).toMatch(/^(?:postgres:\d+\.\d+|redis:\d+\.\d+\.\d+)-\w+$/);
});

test('what a service mounts is declared, and what is declared is mounted', () => {
  const mounted = services
    .flatMap(([, { volumes }]) => volumes ?? [])
    .map((volume) => volume.split(':')[0] ?? '')
    .filter((source) => !source.startsWith('.'));
  expect([...new Set(mounted)].toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
  const read = services.flatMap(([, { secrets }]) => secrets ?? []);
  expect([...new Set(read)].toSorted()).toEqual(Object.keys(compose.secrets).toSorted());
});

test('each secret is mounted where it is read, and nowhere else', () => {
  const readers = (volume: string): string[] =>
    services
      .filter(([, { volumes }]) => volumes?.some((one) => one.startsWith(`${volume}:`)))
      .map(([name]) => name)
      .toSorted();
  expect(
    Object.fromEntries(
      Object.keys(compose.volumes)
        .filter((name) => name.endsWith('-secrets'))
        .map((name) => [name, readers(name)]),
    ),
  ).toEqual({
    'kept-secrets': ['secrets'],
    'app-secrets': ['api', 'migrate', 'scheduler', 'secrets', 'worker'],
    'owner-secrets': ['migrate', 'secrets'],
    'postgres-secrets': ['postgres', 'secrets'],
    'redis-secrets': ['redis', 'secrets'],
  });
  for (const [name, { volumes = [] }] of services)
    for (const volume of volumes.filter((one) => one.includes('-secrets:')))
      expect([name, volume.endsWith(':ro')]).toEqual([name, name !== 'secrets']);
});

test.each([
  ['migrate', false],
  ['scheduler', false],
  ['worker', true],
  ['api', true],
])('%s is given Google’s secrets: %s', (service, isGiven) => {
  const set = readCompose({
    GOOGLE_CLIENT_ID: 'id',
    GOOGLE_CLIENT_SECRET: 'secret',
    GOOGLE_CLIENT_SECRET_FILE: '/etc/client-secret',
    GOOGLE_PROJECTS_FILE: '/etc/projects',
    GOOGLE_APPLICATION_CREDENTIALS: '/etc/credentials',
  }).services[service];
  const names = ['GOOGLE_CLIENT_SECRET', 'GOOGLE_CLIENT_SECRET_FILE', 'GOOGLE_PROJECTS_FILE'];
  for (const name of [...names, 'GOOGLE_APPLICATION_CREDENTIALS'])
    expect([name, set?.environment?.[name] !== '']).toEqual([name, isGiven]);
  expect(set?.secrets?.some((name) => name.startsWith('google_'))).toBe(isGiven);
});

test('the configuration reference, the schema and the compose file name the same variables', () => {
  const named = new Set(
    readFileSync(path.join(ROOT, 'docs/reference/configuration.md'), 'utf8')
      .split('\n')
      .filter((line) => /^\| `[A-Z_]+`/.test(line))
      .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([A-Z_]+)`/g)])
      .map(([, name]) => name ?? ''),
  );
  // Other programs' variables, and those of our own tests.
  const foreign = /^[a-z]|^NODE_|^SYNCLINE_TEST_/;
  const known = Object.keys(VARIABLES.shape).filter((name) => !foreign.test(name));
  expect([...named].toSorted()).toEqual(known.toSorted());
  for (const service of OURS) {
    const passed = Object.keys(compose.services[service]?.environment ?? {});
    const missing = known.filter(
      (name) => !passed.includes(name) && !passed.includes(`${name}_FILE`),
    );
    expect([service, missing]).toEqual([service, []]);
    const unknown = passed.filter(
      (name) => !known.includes(name.replace(/_FILE$/, '')) && !known.includes(name),
    );
    expect([service, unknown]).toEqual([service, []]);
  }
});

test('a variable that is set reaches the processes, and a file is mounted under the path that they get', () => {
  const files = {
    GOOGLE_CLIENT_SECRET_FILE: 'google_client_secret',
    GOOGLE_PROJECTS_FILE: 'google_projects',
    GOOGLE_APPLICATION_CREDENTIALS: 'google_application_credentials',
    REDIS_CA_FILE: 'redis_ca',
    REDIS_CERT_FILE: 'redis_cert',
    REDIS_KEY_FILE: 'redis_key',
  };
  const environmentOfWorker = (read: typeof compose): Record<string, string> =>
    read.services['worker']?.environment ?? {};
  for (const [name, secret] of Object.entries(files)) {
    expect(environmentOfWorker(compose)[name]).toBe('');
    expect(compose.secrets[secret]?.file).toBe('/dev/null');
    const set = readCompose({ [name]: '/etc/syncline/file' });
    expect(environmentOfWorker(set)[name]).toBe(`/run/secrets/${secret}`);
    expect(set.secrets[secret]?.file).toBe('/etc/syncline/file');
  }
  const own =
    /^(?:DATABASE_URL|REDIS_URL|SYNCLINE_MASTER_KEY|SYNCLINE_MASTER_KEY_OLD)_FILE$|^SYNCLINE_DATA_DIR$|^(?:OPERATOR_)?(?:HOST|PORT)$/;
  const isReported = (name: string): boolean | undefined =>
    environmentOfWorker(readCompose({ [name]: 'value' }))[name]?.includes('value');
  for (const name of Object.keys(environmentOfWorker(compose)))
    expect([name, name in files || own.test(name) || isReported(name)]).toEqual([name, true]);
});

test('the previous master key is read during a rotation only', () => {
  const value = (variables: Record<string, string>): string | undefined =>
    readCompose(variables).services['worker']?.environment?.['SYNCLINE_MASTER_KEY_OLD_FILE'];
  expect([value({}), value({ MASTER_KEY_ROTATION: '1' })]).toEqual([
    '',
    '/run/syncline/master_key_old',
  ]);
});

test('the user of Redis may run what docs/how-to/deployment.md grants', () => {
  const script = readFileSync(path.join(ROOT, 'deploy/generate-secrets.mjs'), 'utf8');
  const granted = /const REDIS_COMMANDS =\s*`([^`]*)`/.exec(script)?.[1]?.split(/\s+/) ?? [];
  expect(granted.toSorted()).toEqual(
    [...Object.keys(REDIS_COMMANDS), ...UNTRIED_COMMANDS].toSorted(),
  );
});

test('the compose file uses no key that Compose does not have', () => {
  const known =
    `annotations attach build cap_add cap_drop command configs container_name cpus depends_on deploy devices entrypoint env_file environment expose
    extra_hosts healthcheck hostname image init labels logging mem_limit network_mode networks pids_limit platform ports profiles pull_policy read_only restart
    secrets security_opt shm_size stdin_open stop_grace_period stop_signal sysctls tmpfs tty ulimits user volumes working_dir`.split(
      /\s+/,
    );
  for (const [name, service] of services)
    expect([name, Object.keys(service).filter((key) => !known.includes(key))]).toEqual([name, []]);
  expect(
    Object.keys(compose)
      .filter((key) => !key.startsWith('x-'))
      .toSorted(),
  ).toEqual(['secrets', 'services', 'volumes']);
});
