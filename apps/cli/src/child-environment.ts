/**
 * The environment of the programs that `up` and `demo` start. It is an allow list: the operator's
 * shell also holds secrets of other programs, and each program gets only those of Syncline's
 * variables that it uses.
 */
import { RESOURCE_VARIABLES, type VariableName } from '@syncline/runtime';

/** The programs that `up` and `demo` start. */
export type ProgramName = 'scheduler' | 'worker' | 'api' | 'simulator';

/** Variables that a Node program needs to run as it does in the operator's shell. */
const SURROUNDINGS = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'NODE_ENV',
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'NODE_USE_SYSTEM_CA',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'UV_THREADPOOL_SIZE',
];

/** Read by the Postgres driver for parts that DATABASE_URL leaves out. */
const OF_DATABASE_DRIVER = ['PGUSER', 'PGPASSWORD', 'PGPASSFILE'];

type Recipient = Exclude<ProgramName, 'simulator'>;

const FLEET: readonly Recipient[] = ['scheduler', 'worker', 'api'];
/** Programs that call Google, or verify Google's notifications. */
const TO_GOOGLE: readonly Recipient[] = ['worker', 'api'];
const NO_PROGRAM: readonly Recipient[] = [];

const RECIPIENTS: Record<VariableName, readonly Recipient[]> = {
  DATABASE_URL: FLEET,
  DATABASE_POOL_SIZE: FLEET,
  DATABASE_API_URL: ['api'],
  API_POOL_SIZE: ['api'],
  MIGRATION_LOCK_WAIT_SECONDS: NO_PROGRAM,
  REDIS_URL: FLEET,
  REDIS_PREFIX: FLEET,
  REDIS_CA_FILE: FLEET,
  REDIS_CERT_FILE: FLEET,
  REDIS_KEY_FILE: FLEET,
  SYNCLINE_DATA_DIR: NO_PROGRAM,
  GOOGLE_CLIENT_ID: TO_GOOGLE,
  GOOGLE_CLIENT_SECRET: TO_GOOGLE,
  GOOGLE_PROJECTS_FILE: TO_GOOGLE,
  GOOGLE_API_URL: FLEET,
  HTTPS_PROXY: TO_GOOGLE,
  https_proxy: TO_GOOGLE,
  HTTP_PROXY: TO_GOOGLE,
  http_proxy: TO_GOOGLE,
  NO_PROXY: TO_GOOGLE,
  no_proxy: TO_GOOGLE,
  SYNCLINE_ALLOW_INSECURE: FLEET,
  NODE_TLS_REJECT_UNAUTHORIZED: NO_PROGRAM,
  SYNCLINE_MASTER_KEY: FLEET,
  SYNCLINE_MASTER_KEY_OLD: FLEET,
  ...forEach(RESOURCE_VARIABLES, FLEET),
  POLL_INTERVAL_ACTIVE_SECONDS: FLEET,
  POLL_INTERVAL_IDLE_SECONDS: FLEET,
  AUDIT_INTERVAL_HOURS: FLEET,
  CHANGES_RETENTION_DAYS: ['scheduler'],
  MIRROR_BODIES: FLEET,
  MIRROR_EXCLUDE: FLEET,
  MIRROR_WINDOW_DAYS: FLEET,
  WORKER_CONCURRENCY: FLEET,
  WORKER_STUCK_SECONDS: FLEET,
  HOST: ['api'],
  PORT: ['api'],
  OPERATOR_HOST: FLEET,
  OPERATOR_PORT: ['api'],
  PUBLIC_URL: ['api'],
  CONNECT_APP_NAME: ['api'],
  CONNECT_RETURN_TO: ['api'],
  HTTP_KEEP_ALIVE_SECONDS: ['api'],
  METRICS_PORT: ['scheduler', 'worker'],
  LOG_LEVEL: FLEET,
  PUSH_BASE_URL: FLEET,
  GOOGLE_APPLICATION_CREDENTIALS: ['api'],
  SYNCLINE_TEST_DATABASE_URL: NO_PROGRAM,
  SYNCLINE_TEST_REDIS_URL: NO_PROGRAM,
};

function forEach<Name extends string>(
  names: readonly Name[],
  recipients: readonly Recipient[],
): Record<Name, readonly Recipient[]> {
  return Object.fromEntries(names.map((name) => [name, recipients])) as Record<
    Name,
    readonly Recipient[]
  >;
}

/** Returns the part of `env` for a program. The simulator gets none of Syncline's variables. */
export function childEnvironment(program: ProgramName, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = program === 'simulator' ? SURROUNDINGS : namesFor(program);
  return Object.fromEntries(Object.entries(env).filter(([name]) => names.includes(name)));
}

/** Returns the allowed names; each variable is allowed in its `_FILE` form too. */
function namesFor(program: Recipient): string[] {
  const own = Object.entries(RECIPIENTS)
    .filter(([, recipients]) => recipients.includes(program))
    .flatMap(([name]) => [name, `${name}_FILE`]);
  return [...SURROUNDINGS, ...OF_DATABASE_DRIVER, ...own];
}
