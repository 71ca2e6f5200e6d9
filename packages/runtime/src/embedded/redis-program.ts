/**
 * Finding a Redis server. npm carries none, so: one on PATH, else the distribution's package where we may install it,
 * else a container, else the one line that the operator has to type.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { OperatorError } from '../errors.js';

const PROGRAMS = ['redis-server', 'valkey-server'];
const POLICY_FILE = '/usr/sbin/policy-rc.d';

export type RedisProgram = { kind: 'program'; path: string } | { kind: 'container' };

/** @throws OperatorError with what to type when there is no way to a Redis. */
export function redisProgram(log: (line: string) => void): RedisProgram {
  const found = onPath() ?? (mayInstall() ? install(log) : null);
  if (found) return { kind: 'program', path: found };
  if (dockerAnswers()) return { kind: 'container' };
  throw new OperatorError(
    `No Redis server is installed. Type: ${installCommand()}\n(or set REDIS_URL to a Redis 6.2 or later of yours, with maxmemory-policy noeviction)`,
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
  return (
    process.getuid?.() === 0 &&
    existsSync('/etc/debian_version') &&
    isExecutable('/usr/bin/apt-get')
  );
}

/**
 * Installs the package and leaves no service behind: Debian would start one on 6379 that nobody asked for. The policy
 * that prevents it is taken away afterwards, and allows everything once this process is gone, however it went.
 */
function install(log: (line: string) => void): string | null {
  log('no Redis server is installed: installing the package redis-server with apt-get');
  const ours = !existsSync(POLICY_FILE);
  if (ours)
    writeFileSync(
      POLICY_FILE,
      `#!/bin/sh\n# Written by syncline while it installs redis-server\n[ -d /proc/${process.pid} ] && exit 101\nexit 0\n`,
      { mode: 0o755 },
    );
  try {
    for (const args of [
      ['update', '-q'],
      [
        'install',
        '-q',
        '-y',
        '--no-install-recommends',
        '-o',
        'DPkg::Lock::Timeout=120',
        'redis-server',
      ],
    ]) {
      const ran = spawnSync('/usr/bin/apt-get', args, {
        encoding: 'utf8',
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      });
      if (ran.status !== 0)
        log(`apt-get ${args[0]} failed: ${ran.stderr.trim().split('\n').at(-1) ?? ''}`);
    }
  } finally {
    if (ours) rmSync(POLICY_FILE, { force: true });
  }
  return onPath();
}

function dockerAnswers(): boolean {
  return (
    spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 5_000 })
      .status === 0 && spawnSync('docker', ['compose', 'version'], { timeout: 5_000 }).status === 0
  );
}

function installCommand(): string {
  if (process.platform === 'darwin') return 'brew install redis';
  if (existsSync('/etc/debian_version'))
    return 'sudo apt-get install -y --no-install-recommends redis-server';
  if (existsSync('/etc/alpine-release')) return 'sudo apk add redis';
  return 'sudo dnf install -y redis';
}
