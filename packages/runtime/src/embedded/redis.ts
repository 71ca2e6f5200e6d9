/**
 * A private Redis of one data directory: its append-only file in `redis/data`, port and password in `redis.json`.
 * Queues survive a restart (at most a second of them is lost to a power cut, which the scheduler makes good), and it
 * never evicts: an evicted job key is a job that runs without its data. The caller holds the directory's lock.
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

/** Starts the data directory's Redis, or finds it running. Returns its URL. @throws the signal's reason when it is aborted */
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

/** Ends the data directory's Redis, if it runs, with everything written to its file. */
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
  writeWhole(configFile, settings(dir, record)); // In a file, since arguments can be read by every user of the machine.
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

/** Not `docker run`: `up --wait` is done twice without harm, and finds the container that a killed start left. */
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

/** True when our server is there, and ready. One that still loads its file takes our password, and is waited for. */
async function isRunning(record: ServerRecord, signal?: AbortSignal): Promise<boolean> {
  let answer = '';
  const hasStarted = async (): Promise<boolean> => {
    answer = await ask(record, 'PING');
    return !answer.startsWith('+OK') || answer.includes('+PONG');
  };
  return (await until(hasStarted, START_TIMEOUT_MS, signal)) && answer.includes('+PONG');
}

/** One command after the password, as Redis's inline protocol; the raw answer, or what came of it before the connection ended. */
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
    socket.once('error', () => socket.destroy()); // Nobody there, or gone: the answer stays empty.
    socket.once('close', () => resolve(answer));
  });
}

function urlOf(record: ServerRecord): string {
  return `redis://:${record.password}@127.0.0.1:${record.port}/0`;
}
