import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSimulator, type Simulator, type SimulatorOptions } from '@syncline/simulator';
import { testDatabase, type TestDatabase } from './database.js';
import { exited, endProcess, startProgram, stopAll, type Started } from './processes.js';
import { startRedis, type TestRedis } from './redis-server.js';
import { SimulatorControl } from './simulator-control.js';

/**
 * A complete deployment: real processes and commands on a database and a Redis of their own,
 * against a simulated Google.
 */
export interface FleetWorld {
  simulator: Simulator;
  control: SimulatorControl;
  database: TestDatabase;
  /** The environment of processes that are started from now on. */
  env: Record<string, string>;
  start(program: 'scheduler' | 'worker' | 'api'): Started;
  stop(program: Started): Promise<unknown>;
  cli(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** Runs `accounts import` with these lines. */
  import(
    lines: readonly object[],
  ): Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** Does the same with `--no-verify`. */
  importUnverified(
    lines: readonly object[],
  ): Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** Ends every process that was started. */
  stopAll(): Promise<void>;
  /**
   * Waits until `sql` (without parameters) returns exactly these rows, and otherwise fails with the
   * last result.
   */
  untilRows(sql: string, rows: readonly object[], timeoutMs?: number): Promise<void>;
  rows<T>(sql: string, values?: unknown[]): Promise<T[]>;
  /** Sends an order to the simulator's control interface. */
  order(path: string, body: object): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param shared a Redis that the caller starts and stops, with variables besides its URL; absent:
 * the world has its own
 */
export async function startFleetWorld(
  options: SimulatorOptions,
  shared?: { url: string; env?: Record<string, string> },
): Promise<FleetWorld> {
  const simulator = await startSimulator(options);
  const control = new SimulatorControl(simulator.url);
  const database = await testDatabase();
  const redis: TestRedis | null = shared ? null : await startRedis();
  const directory = await mkdtemp(path.join(tmpdir(), 'syncline-fleet-'));
  const importing = async (lines: readonly object[], ...flags: string[]) => {
    const file = path.join(directory, `${randomBytes(4).toString('hex')}.ndjson`);
    await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return world.cli('accounts', 'import', file, '--json', ...flags);
  };
  const rows = async <T>(sql: string, values?: unknown[]): Promise<T[]> =>
    (await database.pool.query(sql, values)).rows as T[];
  const world: FleetWorld = {
    simulator,
    control,
    database,
    rows,
    env: {
      DATABASE_URL: database.url,
      REDIS_URL: shared?.url ?? redis?.url ?? '',
      ...shared?.env,
      GOOGLE_API_URL: simulator.url,
      SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
      POLL_INTERVAL_ACTIVE_SECONDS: '1',
      POLL_INTERVAL_IDLE_SECONDS: '2',
      WORKER_CONCURRENCY: '4',
      PORT: '0',
    },
    start: (program) => startProgram(program, world.env),
    stop: (program) => endProcess(program),
    cli: (...args) => exited(startProgram('cli', world.env, args)),
    import: (lines) => importing(lines),
    importUnverified: (lines) => importing(lines, '--no-verify'),
    stopAll: () => stopAll(),
    untilRows: async (sql, expected, timeoutMs = 30_000) => {
      for (const deadline = performance.now() + timeoutMs; ;) {
        const found = await rows<object>(sql);
        if (JSON.stringify(found) === JSON.stringify(expected)) return;
        if (performance.now() > deadline) return expect(found).toEqual(expected);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    order: async (at, body) => {
      const answer = await fetch(`${simulator.url}/sim/${at}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`POST /sim/${at}: ${answer.status} ${await answer.text()}`);
    },
    close: async () => {
      await stopAll();
      await redis?.stop();
      await database.drop();
      await simulator.close();
      await rm(directory, { recursive: true });
    },
  };
  return world;
}
