/**
 * Finds a Redis server. npm has none, so the order is: a server on PATH, the distribution's package
 * where this process may install it, a container. Otherwise the error states the command for the
 * operator.
 */
import { spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OperatorError } from '../errors.js';
import { dockerEnvironment, installerEnvironment } from './environment.js';
import { runToEnd } from './run-program.js';

const PROGRAMS = ['redis-server', 'valkey-server'];
const POLICY_FILE = '/usr/sbin/policy-rc.d';
const APT_GET = '/usr/bin/apt-get';
const INSTALL = [
  'install',
  '-q',
  '-y',
  '--no-install-recommends',
  '-o',
  'DPkg::Lock::Timeout=120',
  'redis-server',
];

export type RedisProgram = { kind: 'program'; path: string } | { kind: 'container' };

/**
 * @throws OperatorError with the command to type when no Redis is available; the signal's reason
 * when it is aborted
 */
export async function redisProgram(
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<RedisProgram> {
  const found = onPath() ?? (mayInstall() ? await install(log, signal) : null);
  if (found) return { kind: 'program', path: found };
  if (await dockerAnswers(signal)) return { kind: 'container' };
  throw new OperatorError(
    `No Redis server is installed. Type: ${installCommand()}\n(or set REDIS_URL to your own Redis (6.2 or later) with maxmemory-policy noeviction)`,
  );
}

function onPath(): string | null {
  const dirs = [
    ...(process.env['PATH'] ?? '').split(path.delimiter),
    '/usr/bin',
    '/usr/local/bin',
    '/opt/homebrew/bin',
  ];
  for (const program of PROGRAMS) {
    const dir = dirs.find(
      (candidate) => candidate !== '' && isExecutable(path.join(candidate, program)),
    );
    if (dir !== undefined) return path.join(dir, program);
  }
  return null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function mayInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && isExecutable(APT_GET);
}

/** Installs the package without its service, which Debian would otherwise start on port 6379. */
async function install(log: (line: string) => void, signal: AbortSignal): Promise<string | null> {
  log('no Redis server is installed: installing the package redis-server with apt-get');
  const updated = await runToEnd(
    { program: APT_GET, args: ['update', '-q'], env: aptEnvironment() },
    signal,
  );
  if (!updated.ok) log(`apt-get update failed: ${lastLine(updated.stderr)}`);
  const failure = await installPackage(signal);
  if (failure !== null) log(`apt-get install failed: ${failure}`);
  return onPath();
}

/**
 * An interrupted package manager leaves the machine's packages half installed. apt-get therefore
 * runs in its own process group and continues when this process gets a signal to end. The policy that
 * prevents the service has no effect once apt-get has ended.
 * @returns the failure, or null
 */
async function installPackage(signal: AbortSignal): Promise<string | null> {
  const dir = mkdtempSync(path.join(tmpdir(), 'syncline-apt-'));
  const errors = path.join(dir, 'stderr');
  const ours = !existsSync(POLICY_FILE);
  const output = openSync(errors, 'a', 0o600);
  const child = spawn(APT_GET, INSTALL, {
    cwd: '/',
    env: aptEnvironment(),
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  if (ours) writeFileSync(POLICY_FILE, policyWhile(child.pid ?? process.pid), { mode: 0o755 });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('exit', resolve);
      child.once('error', () => resolve(null));
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    return code === 0 ? null : lastLine(readFileSync(errors, 'utf8'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
    if (ours && !signal.aborted) rmSync(POLICY_FILE, { force: true });
  }
}

function policyWhile(pid: number): string {
  return `#!/bin/sh\n# Written by syncline while it installs redis-server\n[ -d /proc/${pid} ] && exit 101\nexit 0\n`;
}

function aptEnvironment(): NodeJS.ProcessEnv {
  return { ...installerEnvironment(), DEBIAN_FRONTEND: 'noninteractive' };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

async function dockerAnswers(signal: AbortSignal): Promise<boolean> {
  for (const args of [
    ['version', '--format', '{{.Server.Version}}'],
    ['compose', 'version'],
  ]) {
    const asked = { program: 'docker', args, env: dockerEnvironment(), timeoutMs: 5_000 };
    if (!(await runToEnd(asked, signal)).ok) return false;
  }
  return true;
}

function installCommand(): string {
  if (process.platform === 'darwin') return 'brew install redis';
  if (existsSync('/etc/debian_version'))
    return 'sudo apt-get install -y --no-install-recommends redis-server';
  if (existsSync('/etc/alpine-release')) return 'sudo apk add redis';
  return 'sudo dnf install -y redis';
}
