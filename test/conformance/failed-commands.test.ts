import { exited, startProgram } from '../support/processes.js';

/** Without a master key: every command ends at once. */
const ENV = { DATABASE_URL: 'postgresql://127.0.0.1:1/none' };

/* The text that the test environment adds to the error of a failing test. */

test('a failing test is explained by the commands that failed in it, with their output', async () => {
  await exited(startProgram('cli', ENV, ['--version']));
  expect(await globalThis.synclineExplainFailure?.()).toBe('');
  await exited(startProgram('cli', ENV, ['wait', 'ann@example.com', '--timeout', 'soon']));
  const text = await globalThis.synclineExplainFailure?.();
  expect(text).toMatch(
    /^The command `wait ann@example\.com --timeout soon` ended with 2:\n.*--timeout/,
  );
  expect(text).toMatch(/\nwhy says afterwards:\n.*SYNCLINE_MASTER_KEY is required/s);
});

test('commands of earlier tests do not explain a failure', async () => {
  expect(await globalThis.synclineExplainFailure?.()).toBe('');
});
