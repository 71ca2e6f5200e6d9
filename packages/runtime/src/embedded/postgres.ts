/**
 * A private Postgres of one data directory: `postgres/data` (the cluster, moved there when it is
 * complete), `postgres/server.log`, and `postgres.json` (port and passwords). A kill -9 may
 * interrupt every step; the next start repeats the step or finds it done. The caller holds the lock
 * of the directory.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { OperatorError } from '../errors.js';
import {
  type ServerAccount,
  giveTo,
  makePrivateDir,
  reachableHome,
  serverAccount,
} from './account.js';
import { commandLine, startDaemon, until } from './daemon.js';
import { serverEnvironment } from './environment.js';
import { type ServerRecord, makeDir, newPassword, readRecord, writeRecord } from './files.js';
import { nativeDir } from './native.js';
import { freePort, isFree } from './ports.js';
import {
  ADMINISTRATOR,
  APPLICATION,
  ensureApplicationRole,
  ensureDatabase,
  moveOwnership,
} from './postgres-roles.js';
import { runToEnd } from './run-program.js';

const DATABASE = 'syncline';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Durability is Postgres' default. The sizes suit a laptop and a few hundred connections. The time
 * zone is UTC, because initdb would use that of the machine.
 */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '192MB',
  min_wal_size: '256MB',
  max_wal_size: '2GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  jit: 'off',
};

interface Cluster {
  /** Path of the file with the port and the passwords. */
  recordFile: string;
  data: string;
  logFile: string;
  account: ServerAccount;
}

interface Start {
  dataDir: string;
  cluster: Cluster;
  log: (line: string) => void;
  signal: AbortSignal;
}

export interface EmbeddedPostgres {
  /** URL of the application's role, which owns the database. */
  databaseUrl: string;
  /** URL of the superuser. */
  administratorUrl: string;
  /** Creates another database of the application's role, if none has this name. */
  createDatabase(name: string): Promise<void>;
}

/**
 * Starts the Postgres of the data directory, or finds it running.
 * @throws the signal's reason when it is aborted
 */
export async function startPostgres(
  dataDir: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<EmbeddedPostgres> {
  const cluster = clusterOf(dataDir);
  let record = readRecord(cluster.recordFile);
  if (!record || !(await isRunning(cluster, record, signal))) {
    record = await launch({ dataDir, cluster, log, signal }, record);
    log(`embedded Postgres listens on 127.0.0.1:${record.port}`);
  }
  return prepared(cluster, record);
}

/**
 * Checks roles and databases at every start, because a kill -9 may have ended an earlier start
 * before this step.
 */
async function prepared(cluster: Cluster, record: ServerRecord): Promise<EmbeddedPostgres> {
  const open = (database: string): Client => clientOf(record, database);
  const applicationPassword = record.applicationPassword ?? newPassword();
  const isKnown = record.applicationPassword !== undefined;
  await ensureApplicationRole(open, applicationPassword, isKnown);
  if (!isKnown) writeRecord(cluster.recordFile, { ...record, applicationPassword });
  await ensureDatabase(open, DATABASE);
  await moveOwnership(open, DATABASE);
  return {
    databaseUrl: urlOf(record.port, APPLICATION, applicationPassword),
    administratorUrl: urlOf(record.port, ADMINISTRATOR, record.password),
    createDatabase: (name) => ensureDatabase(open, name),
  };
}

/**
 * Stops the Postgres of the data directory if it is running. Open sessions are closed; committed
 * data is on disk.
 */
export async function stopPostgres(dataDir: string): Promise<void> {
  const cluster = clusterOf(dataDir);
  const pid = livePostmaster(cluster);
  if (pid === null) return;
  process.kill(pid, 'SIGINT');
  await until(() => livePostmaster(cluster) === null, STOP_TIMEOUT_MS);
}

function clusterOf(dataDir: string): Cluster {
  const account = serverAccount();
  makeDir(dataDir);
  const dir = path.join(reachableHome(dataDir, account), 'postgres');
  makeDir(dir);
  return {
    recordFile: path.join(dataDir, 'postgres.json'),
    data: path.join(dir, 'data'),
    logFile: path.join(dir, 'server.log'),
    account,
  };
}

async function launch(
  { dataDir, cluster, log, signal }: Start,
  kept: ServerRecord | null,
): Promise<ServerRecord> {
  const native = nativeDir(dataDir, cluster.account);
  const record = await preparedRecord(cluster, kept);
  if (!existsSync(cluster.data)) {
    log(`making a new Postgres database in ${cluster.data}`);
    await initialise(cluster, native, record.password, signal);
  }
  refuseOtherVersion(cluster, native);
  forgetDeadPostmaster(cluster);
  const args = [
    '-D',
    cluster.data,
    '-p',
    String(record.port),
    ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const daemon = {
    program: path.join(native, 'bin', 'postgres'),
    args,
    account: cluster.account,
    logFile: cluster.logFile,
  };
  await startDaemon(daemon, () => answers(record), { timeoutMs: START_TIMEOUT_MS, signal });
  return record;
}

/**
 * The password does not change during the life of the cluster. The port changes when another
 * program uses it.
 */
async function preparedRecord(
  cluster: Cluster,
  record: ServerRecord | null,
): Promise<ServerRecord> {
  if (!record && existsSync(cluster.data)) {
    throw new OperatorError(
      `${cluster.recordFile} is missing, and with it the password of the database in ${cluster.data}: restore the file, or remove that directory to start with an empty database.`,
    );
  }
  if (record && (await isFree(record.port))) return record;
  const fresh = { ...record, port: await freePort(), password: record?.password ?? newPassword() };
  writeRecord(cluster.recordFile, fresh);
  return fresh;
}

/** initdb writes to a temporary directory, so that an existing cluster is always complete. */
async function initialise(
  cluster: Cluster,
  native: string,
  password: string,
  signal: AbortSignal,
): Promise<void> {
  const draft = `${cluster.data}.new`;
  const passwordFile = `${cluster.data}.pw`;
  rmSync(draft, { recursive: true, force: true });
  makePrivateDir(draft, cluster.account);
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  giveTo(passwordFile, cluster.account);
  const args = [
    '-D',
    draft,
    '-U',
    ADMINISTRATOR,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
  ];
  const initdb = {
    program: path.join(native, 'bin', 'initdb'),
    args,
    account: cluster.account,
    env: serverEnvironment(),
  };
  const done = await runToEnd(initdb, signal).finally(() => rmSync(passwordFile, { force: true }));
  if (!done.ok) throw new OperatorError(`initdb failed: ${done.stderr}`);
  renameSync(draft, cluster.data);
}

function refuseOtherVersion(cluster: Cluster, native: string): void {
  const found = readFileSync(path.join(cluster.data, 'PG_VERSION'), 'utf8').trim();
  const required = spawnSync(path.join(native, 'bin', 'postgres'), ['--version'], {
    ...cluster.account,
    cwd: '/',
    env: serverEnvironment(),
    encoding: 'utf8',
  }).stdout.match(/ (\d+)/)?.[1];
  if (required !== found) {
    throw new OperatorError(
      `${cluster.data} was made by Postgres ${found}, and the installed one is ${required}: move the data with pg_dump of version ${found}, or set SYNCLINE_DATA_DIR to a new directory.`,
    );
  }
}

/**
 * Whether the server of this cluster answers. Waits for a server that is starting, recovering or
 * shutting down.
 */
async function isRunning(
  cluster: Cluster,
  record: ServerRecord,
  signal: AbortSignal,
): Promise<boolean> {
  if (livePostmaster(cluster) === null) return false;
  await until(
    async () => (await answers(record)) || livePostmaster(cluster) === null,
    START_TIMEOUT_MS,
    signal,
  );
  return livePostmaster(cluster) !== null;
}

async function answers(record: ServerRecord): Promise<boolean> {
  const client = clientOf(record, 'postgres');
  client.on('error', () => {}); // An interrupted probe connection needs no further handling.
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * After a reboot, the pid in postmaster.pid may belong to another process. Postgres would then
 * refuse to start until a person removes the file.
 */
function forgetDeadPostmaster(cluster: Cluster): void {
  if (livePostmaster(cluster) === null)
    rmSync(path.join(cluster.data, 'postmaster.pid'), { force: true });
}

/**
 * Returns the pid of this cluster's running server. Another process with the same pid does not
 * count.
 */
function livePostmaster(cluster: Cluster): number | null {
  const file = path.join(cluster.data, 'postmaster.pid');
  const pid = Number(contentOf(file).split('\n')[0]);
  return pid > 0 && commandLine(pid).includes(cluster.data) ? pid : null;
}

/** Returns '' when the file does not exist: a server that ends removes its file at any moment. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function clientOf(record: ServerRecord, database: string): Client {
  return new Client({
    host: '127.0.0.1',
    port: record.port,
    user: ADMINISTRATOR,
    password: record.password,
    database,
    connectionTimeoutMillis: 2_000,
    // Set explicitly, because otherwise PGSSLMODE would decide.
    ssl: false,
  });
}

function urlOf(port: number, role: string, password: string): string {
  return `postgresql://${role}:${password}@127.0.0.1:${port}/${DATABASE}`;
}
