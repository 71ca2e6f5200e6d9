/**
 * Measured processes: started as an operator starts them, with the operating system's figures of
 * their use.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
/** Linux counts CPU in hundredths of a second, on every architecture that Node supports. */
const TICKS_PER_SECOND = 100;
/** Set by `--profile DIR`: every process writes its CPU profile there when it ends. */
let profileDir = null;

export function profileInto(directory) {
  profileDir = path.resolve(directory);
}

/**
 * Starts a program of the checkout. `errors` and `input` are its standard error and standard input.
 * @param {'inherit' | 'ignore' | 'pipe'} errors
 * @param {'ignore' | 'pipe'} input
 * @returns {any} the child process; its standard output is a pipe
 */
export function start(file, args, env = {}, errors = 'inherit', input = 'ignore') {
  const profiling =
    profileDir === null
      ? []
      : [
          '--cpu-prof',
          '--cpu-prof-dir',
          profileDir,
          '--cpu-prof-name',
          `${file.split('/')[1]}-${String(Date.now())}.cpuprofile`,
        ];
  const child = spawn(process.execPath, [...profiling, path.join(ROOT, file), ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LOG_LEVEL: 'warn', ...env },
    stdio: [input, 'pipe', errors],
  });
  if (errors === 'inherit')
    child.on('exit', (code) => code && console.error(`${file} ended with ${code}`));
  return child;
}

/** Resolves when a process that logs JSON lines logs `event`; later output is read and dropped. */
export function saying(child, event) {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it said ${event}`)));
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text) => text.includes(`"event":"${event}"`) && resolve(undefined));
  });
}

/** Returns the first line of a child's stdout. */
export async function firstLine(child) {
  child.stdout.setEncoding('utf8');
  for (let text = ''; ;) {
    text += String((await once(child.stdout, 'data'))[0]);
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'));
  }
}

export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

/**
 * Returns the CPU seconds (user and system) and peak resident MB of a process, and, for a server,
 * of the processes it has forked.
 */
export function usage(pids) {
  let cpuSeconds = 0;
  let peakMb = 0;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    cpuSeconds += (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    peakMb = Math.max(
      peakMb,
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    );
  }
  return { cpuSeconds, peakMb };
}

/** Returns the resident MB of a process now. */
export function rssMb(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/** Returns the CPU seconds of all ended children of this process. */
export function exitedChildrenSeconds() {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/**
 * Returns the CPU seconds that the hypervisor gave to others while this machine needed them, of all
 * cores, since its start.
 */
export function stolenSeconds() {
  const [, , , , , , , , steal = '0'] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/\s+/);
  return Number(steal) / TICKS_PER_SECOND;
}
