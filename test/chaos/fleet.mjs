/**
 * The fleet of the chaos test: real schedulers and workers, restarted when they end, as an
 * orchestrator would.
 */
import { start, stop } from '../bench/processes.mjs';

const RESTART_MS = 500;
/** Characters of a process's log that are shown when its exit is an error. */
const LOG_SHOWN = 2_000;

export function openFleet(env, { workers, schedulers }) {
  const members = new Map();
  let over = false;
  const unexpected = [];
  const keep = (name, file) => {
    const child = start(file, [], { ...env, LOG_LEVEL: 'error' }, 'pipe');
    let logged = '';
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding('utf8');
      output.on('data', (text) => (logged = (logged + text).slice(-LOG_SHOWN)));
    }
    members.set(name, child);
    const began = performance.now();
    child.on('exit', (code) => {
      // 75: a worker was stuck, which is expected. Any other exit is an error: a start waits for an
      // unavailable server for longer than any fault lasts.
      const isOrderly = code === null || [0, 75].includes(code);
      if (!over && !isOrderly)
        unexpected.push(
          `${name} ended with ${code} after ${((performance.now() - began) / 1_000).toFixed(0)} s; it logged last: ${logged.trim()}`,
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
