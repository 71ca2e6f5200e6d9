/** Reads a change feed as it grows: over a stream, and by long polls where streams are cut. */
import type { Caller } from './call.js';
import type { Surroundings } from './exchange.js';
import { readLines } from './lines.js';
import { SynclineProblem, SynclineUnreachable } from './problem.js';
import { backoffMs } from './retry.js';

/** How a feed is followed. */
export interface Following {
  /** Ends the iteration. */
  signal?: AbortSignal;
  /** Called before each new attempt after a failure, with its reason. */
  onReconnect?: (failure: { error: unknown; delayMs: number }) => void;
}

export interface FeedDeps {
  caller: Caller;
  around: Surroundings;
}

/** A feed of the API, and where its reader is. */
export interface FeedReader<Batch> {
  id: 'changes.list' | 'changes.all';
  inPath: readonly string[];
  /** The query that continues at the reader's place. */
  position(): Readonly<Record<string, unknown>>;
  ofLines(lines: readonly unknown[]): Batch;
  ofPage(page: unknown): Batch;
  /** Moves the place; returns what of the batch is new. */
  take(batch: Batch): Batch;
}

const NDJSON = 'application/x-ndjson';
/** A stream has a line every 15 s. */
const SILENCE_MS = 40_000;
/** After so many streams in succession that opened and brought nothing, pages are asked for. */
const EMPTY_STREAMS = 2;
/** Then another stream is tried. */
const POLLING_MS = 600_000;
const POLL_WAIT = '25s';
/** Most events of a batch. */
export const BATCH = 500;

interface Connection {
  /** In succession. */
  failures: number;
  emptyStreams: number;
  /** Until this time pages are asked for. */
  streamsAfterMs: number;
}

/**
 * Gives what comes after the reader's place until the signal is aborted. Failures that pass are
 * waited for, however long.
 * @throws SynclineProblem `epoch-changed` or `feed-pruned` (410) where the reader has to list again,
 * and other problems that do not pass
 */
export async function* followFeed<Batch>(
  deps: FeedDeps,
  reader: FeedReader<Batch>,
  options: Following,
): AsyncGenerator<Batch, void, undefined> {
  const { nowMs, random } = deps.around;
  const connection: Connection = { failures: 0, emptyStreams: 0, streamsAfterMs: nowMs() };
  const isOver = (): boolean => options.signal?.aborted ?? false;
  while (!isOver()) {
    const isPolling = nowMs() < connection.streamsAfterMs;
    try {
      const source = isPolling ? polled : streamed;
      for await (const batch of source(deps, reader, options, connection)) {
        const taken = reader.take(batch);
        connection.failures = 0;
        yield taken;
      }
      // Streams of many readers end together when a process of the API ends.
      if (!isPolling) await pause(deps, backoffMs(1, random()), options.signal);
    } catch (error) {
      if (isOver()) return;
      await waitAfter(deps, connection, options, error);
    }
  }
}

/** @throws the error if it does not pass */
async function waitAfter(
  deps: FeedDeps,
  connection: Connection,
  { signal, onReconnect }: Following,
  error: unknown,
): Promise<void> {
  if (!isPassing(error)) throw error;
  connection.failures += 1;
  const refused = error instanceof SynclineProblem ? (error.retryAfterMs ?? 0) : 0;
  const delayMs = refused + backoffMs(connection.failures, deps.around.random());
  onReconnect?.({ error, delayMs });
  await pause(deps, delayMs, signal);
}

/** Ends early when the signal is aborted. */
async function pause(
  { around }: FeedDeps,
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  await around.sleep(delayMs, signal).catch((reason: unknown) => {
    if (signal?.aborted !== true) throw reason;
  });
}

function isPassing(error: unknown): boolean {
  if (error instanceof SynclineUnreachable) return true;
  return error instanceof SynclineProblem && (error.status === 429 || error.status >= 500);
}

/** One page, for which the API waits. */
async function* polled<Batch>(
  { caller }: FeedDeps,
  { id, inPath, position, ofPage }: FeedReader<Batch>,
  { signal }: Following,
): AsyncGenerator<Batch> {
  const input = { ...position(), limit: BATCH, wait: POLL_WAIT };
  const call = { inPath, input, ...(signal === undefined ? {} : { signal }) };
  yield ofPage(await caller.call(id, call, { once: true }));
}

/** One stream, to its end. */
async function* streamed<Batch>(
  { caller, around }: FeedDeps,
  { id, inPath, position, ofLines }: FeedReader<Batch>,
  { signal }: Following,
  connection: Connection,
): AsyncGenerator<Batch> {
  const over = new AbortController();
  const signals = [over.signal, ...(signal === undefined ? [] : [signal])];
  const call = { inPath, input: position(), signal: AbortSignal.any(signals) };
  let lines = 0;
  try {
    const answer = (await caller.call(id, call, { stream: NDJSON, once: true })) as Response;
    countEmpty(connection, around.nowMs());
    for await (const some of readLines(answer, { silenceMs: SILENCE_MS, over })) {
      connection.emptyStreams = 0;
      connection.streamsAfterMs = 0;
      lines += some.length;
      for (let from = 0; from < some.length; from += BATCH)
        yield ofLines(some.slice(from, from + BATCH));
    }
  } finally {
    over.abort(new Error('the stream is over'));
  }
  if (lines === 0) throw new SynclineUnreachable('The stream ended without a line');
}

/** A stream is empty until it has brought a line: something in between may hold it back. */
function countEmpty(connection: Connection, nowMs: number): void {
  connection.emptyStreams += 1;
  if (connection.emptyStreams < EMPTY_STREAMS) return;
  connection.emptyStreams = 0;
  connection.streamsAfterMs = nowMs + POLLING_MS;
}
