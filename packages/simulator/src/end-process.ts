/**
 * Flushes output before the simulator exits, since `process.exit` drops what still waits in a pipe.
 */

/** A reader that has stopped must not keep the process alive. */
const LAST_WAIT_MS = 500;

/**
 * Ends the process with `code` as soon as stdout and stderr have been taken, or after half a
 * second.
 */
export function endProcess(code: number): void {
  const end = (): never => process.exit(code);
  setTimeout(end, LAST_WAIT_MS);
  process.stdout.write('', () => process.stderr.write('', end));
}

/** A reader that went away (`| head`) ends nothing: what is written after that is dropped. */
export function ignoreGoneReaders(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
}
