/**
 * Makes the output of a process complete before the process ends. Node writes to a pipe in the
 * background, and `process.exit` drops the data that is still buffered. Node writes to a file
 * synchronously, and ignores an incomplete write (a disk that has just become full). All output
 * therefore goes through this module, and a process ends with `flushOutputs`.
 */
import { fstatSync, writeSync } from 'node:fs';
import { OperatorError } from './errors.js';

export interface Output {
  /**
   * Resolves when the buffer has room. This limits the writer to the speed of the reader and keeps
   * memory small.
   * @throws OperatorError when the output can no longer be written. When the reader has closed the
   * output, the data is dropped without an error.
   */
  write(chunk: string | Uint8Array): Promise<void>;
  /** Writes without waiting. An error is available in `failure`. */
  put(chunk: string | Uint8Array): void;
  /** Resolves when the buffer has room or the output can no longer be written. */
  drained(): Promise<void>;
  /** Resolves when the operating system has accepted all data, or accepts no more. */
  flush(): Promise<void>;
  /** The reader has closed the output (`| head`); written data is dropped. */
  readonly isClosed: boolean;
  /** The reason why part of the output is lost, for example a full disk. */
  readonly failure: OperatorError | null;
}

type Name = 'stdout' | 'stderr';

const opened = new Map<Name, Output>();
const abandoned = new AbortController();

export function stdout(): Output {
  return outputOf('stdout');
}

export function stderr(): Output {
  return outputOf('stderr');
}

/**
 * Once `signal` is aborted, writers no longer wait for a reader: a reader that has stopped reading
 * must not prevent the process from ending.
 */
export function stopWaitingForReaders(signal: AbortSignal): void {
  signal.addEventListener('abort', () => abandoned.abort(signal.reason), { once: true });
}

/**
 * Must be awaited before `process.exit`.
 * @param deadlineMs maximum wait for a reader; default: no limit. After `stopWaitingForReaders` the
 * wait is a second at most.
 */
export async function flushOutputs(deadlineMs = Number.POSITIVE_INFINITY): Promise<void> {
  const flushed = Promise.all([stdout().flush(), stderr().flush()]);
  const given = new AbortController();
  const late = Promise.race([
    passed(deadlineMs, given.signal),
    whenAborted(abandoned.signal, given.signal).then(() => passed(LAST_WAIT_MS, given.signal)),
  ]);
  await Promise.race([flushed, late]);
  given.abort();
}

const LAST_WAIT_MS = 1_000;

function outputOf(name: Name): Output {
  const known = opened.get(name);
  if (known) return known;
  const output = isPipeOrTerminal(name) ? throughStream(name) : throughFile(name);
  opened.set(name, output);
  return output;
}

function isPipeOrTerminal(name: Name): boolean {
  const file = fstatSync(FILE_DESCRIPTORS[name]);
  return process[name].isTTY || file.isFIFO() || file.isSocket();
}

const FILE_DESCRIPTORS: Record<Name, number> = { stdout: 1, stderr: 2 };

interface State {
  isClosed: boolean;
  failure: OperatorError | null;
}

function throughStream(name: Name): Output {
  const stream = process[name];
  const state: State = { isClosed: false, failure: null };
  stream.on('error', (error) => fail(state, name, error));
  const isOver = (): boolean => state.isClosed || state.failure !== null;
  const put = (chunk: string | Uint8Array): void => {
    if (!isOver()) stream.write(chunk);
  };
  const drained = async (): Promise<void> => {
    if (!isOver() && stream.writableNeedDrain) await drainOf(stream);
  };
  return outputOver(state, {
    put,
    drained,
    flush: async () => {
      if (isOver()) return;
      await new Promise<void>((resolve) => {
        stream.once('error', () => resolve());
        stream.write('', () => resolve());
      });
    },
  });
}

/** @throws the reason of the signal that ends all waiting */
async function drainOf(stream: NodeJS.WriteStream): Promise<void> {
  abandoned.signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const finishOnce = (end: () => void) => (): void => {
      for (const event of ['drain', 'error', 'close']) stream.off(event, done);
      abandoned.signal.removeEventListener('abort', stop);
      end();
    };
    const done = finishOnce(resolve);
    const stop = finishOnce(() => reject(abandoned.signal.reason));
    for (const event of ['drain', 'error', 'close']) stream.on(event, done);
    abandoned.signal.addEventListener('abort', stop);
  });
}

/** Output to a file or a device such as /dev/null. It is written synchronously and completely. */
function throughFile(name: Name): Output {
  const state: State = { isClosed: false, failure: null };
  // When a file exceeds its size limit, the system ends a process without a handler. With a
  // handler, the write fails with an error.
  process.on('SIGXFSZ', () => undefined);
  const put = (chunk: string | Uint8Array): void => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    try {
      for (let at = 0; at < bytes.length && state.failure === null;)
        at += writeSync(FILE_DESCRIPTORS[name], bytes, at);
    } catch (error) {
      fail(state, name, error as NodeJS.ErrnoException);
    }
  };
  return outputOver(state, { put, drained: async () => undefined, flush: async () => undefined });
}

function outputOver(state: State, how: Pick<Output, 'put' | 'drained' | 'flush'>): Output {
  return {
    ...how,
    write: async (chunk) => {
      how.put(chunk);
      await how.drained();
      if (state.failure) throw state.failure;
    },
    get isClosed() {
      return state.isClosed;
    },
    get failure() {
      return state.failure;
    },
  };
}

const READER_GONE = ['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED'];

function fail(state: State, name: Name, error: NodeJS.ErrnoException): void {
  if (READER_GONE.includes(error.code ?? '')) state.isClosed = true;
  else
    state.failure ??= new OperatorError(
      `What was printed is not complete: ${name} cannot be written (${error.message}).`,
    );
}

async function whenAborted(signal: AbortSignal, unless: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true, signal: unless }),
  );
}

/** Resolves after `ms`; never resolves for an infinite time. */
async function passed(ms: number, unless: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (ms === Number.POSITIVE_INFINITY) return;
    const timer = setTimeout(resolve, ms);
    unless.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}
