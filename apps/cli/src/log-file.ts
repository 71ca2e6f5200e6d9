import { type WriteStream, createWriteStream, existsSync, renameSync, statSync } from 'node:fs';

/**
 * The log of a child process on disk, of bounded size: the file and its predecessor (`.1`), 10 MB
 * each.
 */
export interface LogFile {
  write(line: string): void;
  close(): Promise<void>;
}

const LIMIT_BYTES = 10 * 1024 * 1024;

/** Appends to `file`, which is renamed to `file.1` when it reaches its limit. */
export function openLogFile(file: string): LogFile {
  let size = existsSync(file) ? statSync(file).size : 0;
  let stream: WriteStream | null = null;
  const rotate = (): WriteStream => {
    stream?.end();
    // The old stream still writes to the renamed file until it has ended.
    if (size >= LIMIT_BYTES) renameSync(file, `${file}.1`);
    if (size >= LIMIT_BYTES) size = 0;
    stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
    // A full disk must not stop the fleet: the log is lost, the work continues.
    stream.on('error', () => undefined);
    return stream;
  };
  return {
    write(line) {
      const into = stream === null || size >= LIMIT_BYTES ? rotate() : stream;
      into.write(`${line}\n`);
      size += line.length + 1;
    },
    close: () =>
      new Promise((resolve) =>
        stream === null || stream.closed ? resolve() : stream.once('close', () => resolve()).end(),
      ),
  };
}
