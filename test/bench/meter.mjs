/**
 * CPU seconds by process, from the operating system; a busy machine changes them far less than
 * elapsed times.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { Redis } from 'ioredis';
import { usage } from './processes.mjs';

const TICKS_PER_SECOND = 100;

/**
 * @param groups name → pids of processes that we started
 * @returns `read()`: CPU seconds so far of each group, of Postgres, of Redis, and of the whole machine
 */
export async function openMeter(pool, redisUrl, groups) {
  const { rows } = await pool.query('SELECT pg_backend_pid() AS own');
  const postmaster = parentOf(rows[0].own);
  const redis = await redisPid(redisUrl);
  return () => ({
    ...Object.fromEntries(
      Object.entries(groups).map(([name, pids]) => [name, usage(pids).cpuSeconds]),
    ),
    postgres: treeCpu(postmaster),
    redis: redis === null ? 0 : usage([redis]).cpuSeconds,
    machine: machineCpu(),
  });
}

/**
 * Returns the CPU used between two readings, per `count` of something; `others` is the use of the
 * rest of the machine, in cores.
 */
export function spentBetween(before, after, count, seconds) {
  const { machine, ...ours } = Object.fromEntries(
    Object.keys(after).map((name) => [name, after[name] - before[name]]),
  );
  const each = Object.fromEntries(Object.entries(ours).map(([name, cpu]) => [name, cpu / count]));
  const together = Object.values(ours).reduce((sum, cpu) => sum + cpu, 0);
  return { each, together: together / count, others: Math.max(0, (machine - together) / seconds) };
}

async function redisPid(url) {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  try {
    const pid = Number(/^process_id:(\d+)/m.exec(await redis.info('server'))?.[1]);
    return /redis|valkey/.test(readFileSync(`/proc/${pid}/comm`, 'utf8')) ? pid : null;
  } catch {
    return null; // On another machine, or in another container: its CPU is not ours to count.
  } finally {
    redis.disconnect();
  }
}

/**
 * Sums the CPU of every process of the server: the postmaster counts ended ones, /proc the running
 * ones.
 */
function treeCpu(postmaster) {
  const living = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && isChildOf(name, postmaster),
  );
  const own = statOf(postmaster);
  const dead = (Number(own[13]) + Number(own[14])) / TICKS_PER_SECOND;
  return living.reduce((sum, pid) => sum + cpuOf(pid), usage([postmaster]).cpuSeconds + dead);
}

function cpuOf(pid) {
  try {
    return usage([pid]).cpuSeconds;
  } catch {
    return 0; // It ended while we looked: the postmaster counts it from now on.
  }
}

function isChildOf(pid, parent) {
  try {
    return parentOf(pid) === parent;
  } catch {
    return false; // It ended while we looked.
  }
}

function machineCpu() {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}

function parentOf(pid) {
  return Number(statOf(pid)[1]);
}

function statOf(pid) {
  return readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
}
