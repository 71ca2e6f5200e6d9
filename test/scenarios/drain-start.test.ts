import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { withFileLock } from '../../packages/runtime/file-lock.cjs';
import { ROOT } from '../support/compose.js';
import { processesWith } from '../support/process-table.js';
import {
  exited,
  endProcess,
  lineOf,
  startNode,
  startProgram,
  stopAll,
  type Program,
  type Started,
} from '../support/processes.js';

/* SIGTERM while a program is loaded, or the embedded servers of a data directory start. */

const PROMISED_MS = 8_000;

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'syncline-start-'));
  chmodSync(dataDir, 0o711); // When root starts the servers they run as another user, which needs access.
});
afterEach(async () => {
  await stopAll();
  for (const pid of processesWith(dataDir)) process.kill(pid, 'SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

test.each([
  { program: 'worker', args: [] },
  { program: 'cli', args: ['up'] },
] as const)(
  '$program $args exits 0 within eight seconds of SIGTERM while it waits for the data directory',
  async ({ program, args }) => {
    await withFileLock(dataDir, 'lock', { timeoutMs: 1_000 }, async () => {
      const child = start(program, args);
      await lineOf(child, (line) => line.includes('waiting for another process'), 60_000);
      await expectEnd(child);
    });
  },
  90_000,
);

test.each([
  { program: 'scheduler', args: [] },
  { program: 'cli', args: ['up'] },
] as const)(
  '$program $args exits 0 within eight seconds of SIGTERM while it makes a database, and leaves no server',
  async ({ program, args }) => {
    const child = start(program, args);
    await lineOf(child, (line) => line.includes('making a new Postgres database'), 60_000);
    await expectEnd(child);
    expect(processesWith(dataDir)).toEqual([]);
  },
  90_000,
);

test.each([
  { program: 'worker', args: [] },
  { program: 'scheduler', args: [] },
  { program: 'api', args: [] },
  { program: 'cli', args: ['up'] },
] as const)(
  '$program $args exits 0 within eight seconds of SIGTERM while its modules load, and begins nothing',
  async ({ program, args }) => {
    const beganMs = performance.now();
    const child = whileLoading(program, args);
    expect(await exited(child)).toMatchObject({ code: 0 });
    expect(readdirSync(dataDir)).toEqual([]);
    expect(performance.now() - beganMs).toBeLessThan(PROMISED_MS);
  },
);

test('a command is interrupted by SIGTERM while its modules load; one without work to interrupt prints its output', async () => {
  const [list, version] = await Promise.all(
    [['accounts', 'list'], ['--version']].map((args) => exited(whileLoading('cli', args))),
  );
  expect(list).toMatchObject({ code: 1, stderr: 'interrupted\n' });
  expect(version).toMatchObject({ code: 0, stderr: '' });
});

function whileLoading(program: Program, args: readonly string[]): Started {
  const hook = path.join(ROOT, 'test/support/signal-while-loading.cjs');
  return startNode(
    ['--require', hook, path.join(ROOT, `apps/${program}/dist/main.js`), ...args],
    environment(),
  );
}

function start(program: 'worker' | 'scheduler' | 'cli', args: readonly string[]) {
  return startProgram(program, environment(), [...args]);
}

function environment(): Record<string, string> {
  return { SYNCLINE_DATA_DIR: dataDir, GOOGLE_API_URL: 'http://127.0.0.1:9', PORT: '0' };
}

async function expectEnd(child: ReturnType<typeof start>): Promise<void> {
  const beganMs = performance.now();
  expect(await endProcess(child)).toEqual({ code: 0, signal: null });
  expect(performance.now() - beganMs).toBeLessThan(PROMISED_MS);
}
