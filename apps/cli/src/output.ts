/**
 * Writes data to stdout, and nothing else, at the reader's speed. A reader that closes early (`|
 * head`) is not an error: later output is dropped, and the producer of rows is stopped.
 */
import { flushOutputs, stderr, stdout } from '@syncline/runtime';
import { printMessage } from './terminal.js';

/** Prints one JSON document on a line. */
export async function printJson(value: unknown): Promise<void> {
  await stdout().write(`${JSON.stringify(value)}\n`);
}

/** Prints text for a person: tables and reports, the data of a command without `--json`. */
export async function print(text: string): Promise<void> {
  await stdout().write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Prints one JSON document per line. */
export async function printNdjson(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const row of rows) {
    await printJson(row);
    if (stdout().isClosed) return;
  }
}

/** Prints one JSON array on a line, item by item. */
export async function printJsonList(items: AsyncIterable<unknown>): Promise<void> {
  let before = '[';
  for await (const item of items) {
    await stdout().write(`${before}${JSON.stringify(item)}`);
    before = ',';
    if (stdout().isClosed) return;
  }
  await stdout().write(before === '[' ? '[]\n' : ']\n');
}

/** Prints bytes unchanged: a file's content. */
export async function printBytes(bytes: Uint8Array): Promise<void> {
  await stdout().write(bytes);
}

/**
 * Ends the process with `code` after all output has been read, however slow the reader is. Output
 * that could not be written, for example to a full disk, is reported and turns success into
 * failure. Every command ends here.
 */
export async function endWith(code: number): Promise<never> {
  await flushOutputs();
  const lost = [stdout().failure, stderr().failure].find((failure) => failure !== null);
  if (lost && code === 0) {
    printMessage(lost.message);
    await flushOutputs();
  }
  return process.exit(lost && code === 0 ? 1 : code);
}
