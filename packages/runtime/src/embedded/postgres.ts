/**
 * A private Postgres of one data directory: `postgres/data` (the cluster, moved there when it is complete),
 * `postgres/server.log`, and `postgres.json` (port and passwords). Every step may be cut off by a kill -9 and is done
 * again, or found done, by the next start. The caller holds the directory's lock.
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

/** Durable as any Postgres; sized for a laptop and a few hundred connections. UTC, since initdb takes the machine's zone. */
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
  /** Where port and password are kept. */
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
  /** Of the application's role, which owns the database. */
  databaseUrl: string;
  /** Of the superuser. */
  administratorUrl: string;
  /** Makes another database of the application's role, if there is none of this name. */
  createDatabase(name: string): Promise<void>;
}

/** Starts the data directory's Postgres, or finds it running. @throws the signal's reason when it is aborted */
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

/** Checks roles and databases at every start, since a kill -9 may have ended an earlier start before this step. */
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

/** Ends the data directory's Postgres, if it runs: sessions are cut, everything committed is on disk. */
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

/** The password stays for the cluster's life; the port changes when somebody else has taken it meanwhile. */
async function preparedRecord(
  cluster: Cluster,
  record: ServerRecord | null,
): Promise<ServerRecord> {
  if (!record && existsSync(cluster.data)) {
    throw new OperatorError(
      `${cluster.recordFile} is missing, and with it the password of the database in ${cluster.data}: put it back, or remove that directory to begin anew.`,
    );
  }
  if (record && (await isFree(record.port))) return record;
  const fresh = { ...record, port: await freePort(), password: record?.password ?? newPassword() };
  writeRecord(cluster.recordFile, fresh);
  return fresh;
}

/** initdb writes beside the final place, so that a cluster that exists is a whole one. */
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

/** True when this cluster's server answers. One that is only starting, recovering or shutting down is waited for. */
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
  client.on('error', () => {}); // A connection that is cut while it is probed has answered the question.
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** After a reboot the number in postmaster.pid may be anybody's: Postgres would then refuse to start until a human removes the file. */
function forgetDeadPostmaster(cluster: Cluster): void {
  if (livePostmaster(cluster) === null)
    rmSync(path.join(cluster.data, 'postmaster.pid'), { force: true });
}

/** The pid of this cluster's running server; another process that happens to have its number does not count. */
function livePostmaster(cluster: Cluster): number | null {
  const file = path.join(cluster.data, 'postmaster.pid');
  const pid = Number(contentOf(file).split('\n')[0]);
  return pid > 0 && commandLine(pid).includes(cluster.data) ? pid : null;
}

/** Empty when there is no such file: a server that ends removes its own at any moment. */
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
    // Said, or PGSSLMODE would decide.
    ssl: false,
  });
}

function urlOf(port: number, role: string, password: string): string {
  return `postgresql://${role}:${password}@127.0.0.1:${port}/${DATABASE}`;
}
