import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startEmbedded } from '@syncline/runtime';
import { serverUrl } from '../support/database.js';
import { processesWith } from '../support/process-table.js';
import { exited, startProgram, stopAll } from '../support/processes.js';

/* A schema that a development version made is not touched; the error names what recreates it. */

const REFUSAL =
  /was made by a development version, .* nothing was changed\.\n.*npm run migrate\n.*npm run demo -- --reset/;

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'syncline-earlier-'));
  chmodSync(dataDir, 0o711); // When root starts the servers they run as another user, which needs access.
});
afterEach(async () => {
  await stopAll();
  for (const pid of processesWith(dataDir)) process.kill(pid, 'SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

const cli = (...args: string[]): ReturnType<typeof exited> =>
  exited(startProgram('cli', { SYNCLINE_DATA_DIR: dataDir, PORT: '0' }, args));

test('on embedded servers `migrate` refuses, `demo --reset` rebuilds the database, and `migrate` finds it up to date', async () => {
  const servers = await startEmbedded({ dataDir });
  try {
    expect(await cli('migrate')).toMatchObject({ code: 0 });
    const session = new pg.Client({ connectionString: servers.databaseUrl });
    await session.connect();
    await session.query("UPDATE syncline._prisma_migrations SET checksum = 'x'");
    await session.end();
    const refused = await cli('migrate');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(REFUSAL);
    const demo = ['demo', '--once', '--reset', '--accounts', '1', '--messages', '3'];
    expect(await cli(...demo)).toMatchObject({ code: 0 });
    expect(await cli('migrate')).toMatchObject({ code: 0, stderr: 'the schema is up to date\n' });
  } finally {
    await servers.release();
  }
}, 180_000);

test('`demo --reset` changes nothing in a Postgres that is not embedded', async () => {
  const { code, stderr } = await exited(
    startProgram('cli', { DATABASE_URL: serverUrl(), SYNCLINE_DATA_DIR: dataDir }, [
      'demo',
      '--once',
      '--reset',
    ]),
  );
  expect(code).toBe(1);
  expect(stderr).toContain('--reset is for the embedded Postgres, and DATABASE_URL names another');
}, 60_000);
