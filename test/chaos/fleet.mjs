/**
 * The fleet of the chaos test: real schedulers and workers, restarted when they end, as an
 * orchestrator would.
 */
import { start, stop } from '../bench/processes.mjs';

const RESTART_MS = 500;
/**
 * A process that finds a server unavailable at its start gives up within this time; later it must
 * tolerate that.
 */
const STARTUP_MS = 20_000;

export function openFleetUnderSiege(env, { workers, schedulers }) {
  const members = new Map();
  let over = false;
  const unexpected = [];
  const keep = (name, file) => {
    const child = start(file, [], { ...env, LOG_LEVEL: 'error' }, 'ignore');
    child.stdout.resume(); // A full pipe would stop the process.
    members.set(name, child);
    const began = performance.now();
    child.on('exit', (code) => {
      // 75: a worker was stuck; 1: a process found a server unavailable at its start. Both are
      // expected. Any other exit is an error.
      const isOrderly =
        code === null ||
        [0, 75].includes(code) ||
        (code === 1 && performance.now() - began < STARTUP_MS);
      if (!over && !isOrderly)
        unexpected.push(
          `${name} ended with ${code} after ${((performance.now() - began) / 1_000).toFixed(0)} s`,
        );
      if (!over) setTimeout(() => over || keep(name, file), RESTART_MS);
    });
  };
  for (let i = 1; i <= workers; i++) keep(`worker ${i}`, 'apps/worker/dist/main.js');
  for (let i = 1; i <= schedulers; i++) keep(`scheduler ${i}`, 'apps/scheduler/dist/main.js');
  return {
    unexpected,
    names: (kind) => [...members.keys()].filter((name) => name.startsWith(kind)),
    pid: (name) => members.get(name).pid,
    signal(name, signal) {
      const child = members.get(name);
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    },
    async end() {
      over = true;
      for (const child of members.values()) child.kill('SIGCONT');
      await Promise.all([...members.values()].map(stop));
    },
  };
}
