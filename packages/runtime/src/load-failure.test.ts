import { execFile } from 'node:child_process';

/** Returns the standard error and the exit code of a program with this source text. */
function run(text: string): Promise<{ stderr: string; code: unknown }> {
  const program = `require('@syncline/runtime/at-start');
    const { OperatorError } = require('@syncline/runtime');
    ${text}`;
  return new Promise((resolve) => {
    execFile(process.execPath, ['-e', program], { cwd: __dirname }, (error, _stdout, stderr) =>
      resolve({ stderr, code: error?.code ?? 0 }),
    );
  });
}

test('an error of a loaded module that the operator can correct is printed as its message alone', async () => {
  const { stderr, code } = await run("throw new OperatorError('The installation is incomplete.');");
  expect(stderr).toBe('The installation is incomplete.\n');
  expect(code).toBe(1);
});

test('any other error of a module is its class and where it was thrown', async () => {
  const { stderr, code } = await run("throw new TypeError('a secret');");
  expect(stderr).toMatch(/^TypeError\b/);
  expect(stderr).not.toContain('a secret');
  expect(code).toBe(1);
});

test('an error after the program is loaded is left to the program', async () => {
  const { stderr } = await run(`
    setImmediate(() => { throw new OperatorError('late'); });
    process.on('uncaughtException', (error) => { console.error('caught', error.message); });`);
  expect(stderr).toBe('caught late\n');
});
