import type { Started } from './processes.js';

/*
 * What a failing test shows about the commands that it ran: those that ended with another code than
 * 0, with their output. Most tests expect the code alone. `environment.cjs` calls
 * `globalThis.synclineExplainFailure` when a test or a hook fails.
 */

declare global {
  var synclineExplainFailure: (() => Promise<string>) | undefined;
}

const MAX_COMMANDS = 5;
const MAX_CHARACTERS = 2_000;

interface FailedCommand {
  test: string | undefined;
  args: readonly string[];
  code: number | null;
  output: string;
  why: (() => Promise<string>) | null;
}

const failed: FailedCommand[] = [];

/**
 * Notes how this command ends.
 *
 * @param startWhy starts `why EMAIL` in the command's environment; called when the test has failed
 */
export function noteFailure(
  command: Started,
  args: readonly string[],
  startWhy: (email: string) => Started,
): void {
  globalThis.synclineExplainFailure ??= explain;
  const test = currentTest();
  const email = args.find((arg) => arg.includes('@'));
  const why = args[0] === 'wait' && email !== undefined ? () => outputOf(startWhy(email)) : null;
  command.once('close', () => {
    if (command.exitCode === 0) return;
    const output = command.output.join('').slice(-MAX_CHARACTERS);
    failed.push({ test, args, code: command.exitCode, output, why });
    if (failed.length > MAX_COMMANDS) failed.shift();
  });
}

/** Returns the text about this test's failed commands; empty when none failed. */
async function explain(): Promise<string> {
  const test = currentTest();
  const texts: string[] = [];
  for (const { args, code, output, why } of failed.filter((one) => one.test === test)) {
    texts.push(`The command \`${args.join(' ')}\` ended with ${code}:\n${output}`);
    if (why) texts.push(`why says afterwards:\n${await why()}`);
  }
  return texts.join('\n');
}

/** Absent in a hook of the whole file. */
const currentTest = (): string | undefined => expect.getState().currentTestName;

const WHY_MS = 20_000;

async function outputOf(command: Started): Promise<string> {
  const deadline = setTimeout(() => command.kill('SIGKILL'), WHY_MS);
  await new Promise((resolve) => command.once('close', resolve));
  clearTimeout(deadline);
  return command.output.join('').slice(-MAX_CHARACTERS);
}
