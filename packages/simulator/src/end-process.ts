/**
 * Flushes output before the simulator exits, because `process.exit` drops unwritten output of a
 * pipe.
 */

/** A reader that has stopped reading must not keep the process alive. */
const LAST_WAIT_MS = 500;

/**
 * Ends the process with `code` when stdout and stderr have been written, or after half a second.
 */
export function endProcess(code: number): void {
  const end = (): never => process.exit(code);
  setTimeout(end, LAST_WAIT_MS);
  process.stdout.write('', () => process.stderr.write('', end));
}

/** A reader that closed its pipe (`| head`) does not end the process; later output is dropped. */
export function ignoreGoneReaders(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
}
