import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** A Redis of a test's own, which the test may stop, fill and flush. */
export interface TestRedis {
  url: string;
  port: number;
  /** Kills the server with SIGKILL and waits for its end. */
  stop(): Promise<void>;
}

/** The log lines of a ready server and a ready sentinel. */
const READY = /Ready to accept connections|Sentinel ID is/;
const UNSAVED = ['--save', '', '--appendonly', 'no'];

/**
 * Starts `redis-server` on a free port, without persistence. `args` are appended:
 * `['--maxmemory-policy', 'allkeys-lru']`.
 * @param as arguments that replace these settings: a file of settings, and `--sentinel`
 */
export async function startRedis(
  args: string[] = [],
  port?: number,
  as?: string[],
): Promise<TestRedis> {
  const at = port ?? (await freePort());
  const server = spawn(
    'redis-server',
    [...(as ?? UNSAVED), '--port', String(at), '--bind', '127.0.0.1', '--daemonize', 'no', ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const gone = once(server, 'exit');
  await Promise.race([
    accepts(server),
    gone.then(() => Promise.reject(new Error('redis-server did not start'))),
  ]);
  return { url: `redis://127.0.0.1:${at}`, port: at, stop: () => stop(server, gone) };
}

/** Returns a port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

async function accepts(server: ChildProcess): Promise<void> {
  if (server.stdout === null) throw new Error('redis-server writes to a pipe');
  const lines = createInterface({ input: server.stdout });
  await new Promise<void>((resolve) => lines.on('line', (line) => READY.test(line) && resolve()));
}

async function stop(server: ChildProcess, gone: Promise<unknown>): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) server.kill('SIGKILL');
  await gone;
}
