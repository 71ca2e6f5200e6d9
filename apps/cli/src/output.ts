/**
 * What goes to stdout: data, and nothing else, as fast as the reader takes it. A reader that leaves
 * early (`| head`) is a quiet end, not an error: what is printed after that is dropped, and whoever
 * produces rows is told to stop.
 */
import { flushOutputs, stderr, stdout } from '@syncline/runtime';
import { say } from './terminal.js';

/** One JSON document on a line. */
export async function printJson(value: unknown): Promise<void> {
  await stdout().write(`${JSON.stringify(value)}\n`);
}

/** Text for a person: tables and reports, which are a command's data when `--json` is not given. */
export async function print(text: string): Promise<void> {
  await stdout().write(text.endsWith('\n') ? text : `${text}\n`);
}

/** One JSON document a line. */
export async function printNdjson(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const row of rows) {
    await printJson(row);
    if (stdout().isClosed) return;
  }
}

/** One JSON array on a line, written item by item. */
export async function printJsonList(items: AsyncIterable<unknown>): Promise<void> {
  let before = '[';
  for await (const item of items) {
    await stdout().write(`${before}${JSON.stringify(item)}`);
    before = ',';
    if (stdout().isClosed) return;
  }
  await stdout().write(before === '[' ? '[]\n' : ']\n');
}

/** Bytes as they are: a file's content. */
export async function printBytes(bytes: Uint8Array): Promise<void> {
  await stdout().write(bytes);
}

/**
 * Ends the process with `code` when everything that was printed has been taken, however slow the
 * reader. Output that could not be written, to a full disk for one, is said and makes a success a
 * failure. Every command ends here.
 */
export async function endWith(code: number): Promise<never> {
  await flushOutputs();
  const lost = [stdout().failure, stderr().failure].find((failure) => failure !== null);
  if (lost && code === 0) {
    say(lost.message);
    await flushOutputs();
  }
  return process.exit(lost && code === 0 ? 1 : code);
}
