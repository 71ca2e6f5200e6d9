/**
 * A private Redis of one data directory: its append-only file in `redis/data`, port and password in
 * `redis.json`. Queues survive a restart. A power cut loses at most the last second, which the
 * scheduler restores. The server never evicts keys: without its evicted key, a job would run
 * without its data. The caller holds the lock of the directory.
 */
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import path from 'node:path';
import { writeWhole } from '../../file-lock.cjs';
import { OperatorError } from '../errors.js';
import { giveTo, makePrivateDir, reachableHome, serverAccount } from './account.js';
import { type Wait, startDaemon, until } from './daemon.js';
import { dockerEnvironment } from './environment.js';
import { type ServerRecord, makeDir, newPassword, readRecord, writeRecord } from './files.js';
import { freePort, isFree } from './ports.js';
import { redisProgram } from './redis-program.js';
import { runToEnd } from './run-program.js';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 2_000;

/**
 * Starts the Redis of the data directory, or finds it running. Returns its URL.
 * @throws the signal's reason when it is aborted
 */
export async function startRedis(
  dataDir: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const wait = { timeoutMs: START_TIMEOUT_MS, signal };
  makeDir(dataDir);
  const recordFile = path.join(dataDir, 'redis.json');
  const kept = readRecord(recordFile);
  if (kept && (await isRunning(kept, signal))) return urlOf(kept);
  const program = await redisProgram(log, signal);
  const record =
    kept && (await isFree(kept.port))
      ? kept
      : { port: await freePort(), password: kept?.password ?? newPassword() };
  writeRecord(recordFile, record);
  if (program.kind === 'container') await launchContainer(dataDir, record, wait);
  else await launch(program.path, dataDir, record, wait);
  log(`embedded Redis listens on 127.0.0.1:${record.port}`);
  return urlOf(record);
}

/**
 * Stops the Redis of the data directory if it is running. All data is written to its file first.
 */
export async function stopRedis(dataDir: string): Promise<void> {
  const record = readRecord(path.join(dataDir, 'redis.json'));
  if (!record || !(await isRunning(record))) return;
  await ask(record, 'SHUTDOWN');
  await until(async () => !(await isRunning(record)), STOP_TIMEOUT_MS);
}

async function launch(
  program: string,
  dataDir: string,
  record: ServerRecord,
  wait: Wait,
): Promise<void> {
  const account = serverAccount();
  const dir = path.join(reachableHome(dataDir, account), 'redis');
  makeDir(dir);
  makePrivateDir(path.join(dir, 'data'), account);
  const configFile = path.join(dir, 'redis.conf');
  // The settings are in a file because every user of the machine can read command-line arguments.
  writeWhole(configFile, settings(dir, record));
  giveTo(configFile, account);
  await startDaemon(
    { program, args: [configFile], account, logFile: path.join(dir, 'server.log') },
    () => isRunning(record, wait.signal),
    wait,
  );
}

function settings(dir: string, record: ServerRecord): string {
  return [
    'bind 127.0.0.1',
    `port ${record.port}`,
    `requirepass ${record.password}`,
    `dir "${dir}/data"`,
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
    'daemonize no',
    '',
  ].join('\n');
}

/**
 * Uses `docker compose up`, not `docker run`: it can be repeated safely, and it finds the container
 * that an interrupted start left.
 */
async function launchContainer(
  dataDir: string,
  record: ServerRecord,
  { timeoutMs, signal }: Wait,
): Promise<void> {
  const project = `syncline-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
  const file = `services:
  redis:
    image: redis:7-alpine
    command: ["redis-server", "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction", "--requirepass", "\${PASSWORD}"]
    ports: ["127.0.0.1:${record.port}:6379"]
    volumes: ["data:/data"]
volumes:
  data:
`;
  const up = {
    program: 'docker',
    args: ['compose', '-p', project, '-f', '-', 'up', '-d'],
    input: file,
    env: { ...dockerEnvironment(), PASSWORD: record.password },
  };
  const ran = await runToEnd(up, signal);
  if (!ran.ok)
    throw new OperatorError(`docker compose could not start Redis: ${ran.stderr.trim()}`);
  if (!(await until(() => isRunning(record, signal), timeoutMs, signal)))
    throw new OperatorError('The Redis container does not answer.');
}

/**
 * Whether the server of this record is running and ready. Waits for a server that accepts the
 * password and is still loading its file.
 */
async function isRunning(record: ServerRecord, signal?: AbortSignal): Promise<boolean> {
  let answer = '';
  const hasStarted = async (): Promise<boolean> => {
    answer = await ask(record, 'PING');
    return !answer.startsWith('+OK') || answer.includes('+PONG');
  };
  return (await until(hasStarted, START_TIMEOUT_MS, signal)) && answer.includes('+PONG');
}

/**
 * Sends one command after the password, in Redis' inline protocol. Returns the raw response, or the
 * part received before the connection ended.
 */
function ask(record: ServerRecord, command: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port: record.port });
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
    socket.once('connect', () => socket.write(`AUTH ${record.password}\r\n${command}\r\n`));
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (answer.split('\r\n').length > 2) socket.end();
    });
    // The server is not running or the connection was lost: the response stays empty.
    socket.once('error', () => socket.destroy());
    socket.once('close', () => resolve(answer));
  });
}

function urlOf(record: ServerRecord): string {
  return `redis://:${record.password}@127.0.0.1:${record.port}/0`;
}
