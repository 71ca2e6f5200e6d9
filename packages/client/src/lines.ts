/** Reads newline-delimited JSON as it comes. */
import { SynclineUnreachable } from './problem.js';

/** No line of the API is longer. */
const LONGEST_LINE = 65_536;

export interface LineOptions {
  /** A stream without a byte for this time is given up. */
  silenceMs: number;
  /** Aborts the request. */
  over: AbortController;
}

/**
 * Gives the documents of the lines, as many at a time as have arrived.
 * @throws SynclineUnreachable when the stream is cut, silent, or has no documents
 */
export async function* readLines(
  response: Response,
  { silenceMs, over }: LineOptions,
): AsyncGenerator<unknown[]> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of chunksOf(response, silenceMs, over)) {
    const text = rest + decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new SynclineUnreachable('The stream has no lines');
    const documents = lines.filter((line) => line !== '').map(parsed);
    if (documents.length > 0) yield documents;
  }
}

async function* chunksOf(
  response: Response,
  silenceMs: number,
  over: AbortController,
): AsyncGenerator<Uint8Array> {
  const giveUp = (): void =>
    over.abort(new Error(`the stream was silent for ${silenceMs / 1_000} s`));
  let timer = setTimeout(giveUp, silenceMs);
  const body = response.body as AsyncIterable<Uint8Array> | null;
  try {
    for await (const chunk of body ?? []) {
      clearTimeout(timer);
      yield chunk;
      timer = setTimeout(giveUp, silenceMs);
    }
  } catch (error) {
    throw new SynclineUnreachable('The stream was cut', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new SynclineUnreachable('The stream has a damaged line', { cause: error });
  }
}
