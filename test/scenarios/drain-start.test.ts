import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { withFileLock } from '../../packages/runtime/file-lock.cjs';
import { processesWith } from '../support/process-table.js';
import { endProcess, lineOf, startProgram, stopAll } from '../support/processes.js';

/* SIGTERM while the embedded servers of a data directory start. */

const PROMISED_MS = 8_000;

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'syncline-start-'));
  chmodSync(dataDir, 0o711); // Root's servers run as another user, who has to get in.
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
  '$program $args that is told to end while it waits for the data directory exits 0 within eight seconds',
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
  '$program $args that is told to end while it makes a database exits 0 within eight seconds and leaves no server',
  async ({ program, args }) => {
    const child = start(program, args);
    await lineOf(child, (line) => line.includes('making a new Postgres database'), 60_000);
    await expectEnd(child);
    expect(processesWith(dataDir)).toEqual([]);
  },
  90_000,
);

function start(program: 'worker' | 'scheduler' | 'cli', args: readonly string[]) {
  return startProgram(
    program,
    { SYNCLINE_DATA_DIR: dataDir, GOOGLE_API_URL: 'http://127.0.0.1:9', PORT: '0' },
    [...args],
  );
}

async function expectEnd(child: ReturnType<typeof start>): Promise<void> {
  const beganMs = performance.now();
  expect(await endProcess(child)).toEqual({ code: 0, signal: null });
  expect(performance.now() - beganMs).toBeLessThan(PROMISED_MS);
}
