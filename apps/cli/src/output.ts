/**
 * What goes to stdout: data, and nothing else. A reader that leaves early (`| head`) is a quiet end, not an error: writes
 * after that are dropped, and whoever produces rows is told to stop.
 */
let closed = false;

/** Must be called before anything is written; without it a closed pipe ends the process with a stack. */
export function watchForClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    closed = true;
  });
}

/** One JSON document on a line. */
export async function printJson(value: unknown): Promise<void> {
  await write(`${JSON.stringify(value)}\n`);
}

/** Text for a person: tables and reports, which are a command's data when `--json` is not given. */
export async function print(text: string): Promise<void> {
  await write(text.endsWith('\n') ? text : `${text}\n`);
}

/** One JSON document a line, as fast as the reader takes them. */
export async function printNdjson(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const row of rows) {
    await printJson(row);
    if (closed) return;
  }
}

/** Bytes as they are: a file's content. */
export async function printBytes(bytes: Uint8Array): Promise<void> {
  await write(bytes);
}

async function write(text: string | Uint8Array): Promise<void> {
  if (closed || process.stdout.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      process.stdout.off('drain', done);
      process.stdout.off('error', done);
      resolve();
    };
    process.stdout.on('drain', done);
    process.stdout.on('error', done);
  });
}
