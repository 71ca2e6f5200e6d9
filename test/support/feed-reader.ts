/** Reads a feed of the API as clients do: streams that are cut anywhere, and pages. */

export const NDJSON = 'application/x-ndjson';
export const SSE = 'text/event-stream';

/** An event as a stream or a page has it. */
export interface FeedEvent {
  account?: string;
  position?: string;
  epoch: number;
  seq: number;
  entity: string;
  id: string;
  calendarId: string | null;
  op: 'created' | 'updated' | 'deleted';
  origin: 'live' | 'full_sync' | 'repair';
}

export interface StreamRequest {
  url: string;
  key: string;
  accept: string;
  /** Of the last event that was taken. */
  lastEventId: string | null;
  /** The connection is cut after so many bytes. */
  cutAfter: number;
  signal: AbortSignal;
  /** The answer has begun: what happens from now on, happens to an open stream. */
  onOpen?: () => void;
}

/**
 * Reads a stream until it is cut, ends or fails, and gives the events that come whole to `take`.
 * What was cut in the middle is thrown away.
 * @returns the id of the last event, by which a reader goes on
 */
export async function readCut(
  request: StreamRequest,
  take: (event: FeedEvent) => Promise<void> | void,
): Promise<string | null> {
  const { accept, signal, cutAfter } = request;
  const closing = new AbortController();
  const close = (): void => closing.abort();
  signal.addEventListener('abort', close, { once: true });
  const separator = accept === SSE ? '\n\n' : '\n';
  const decoder = new TextDecoder();
  let { lastEventId } = request;
  let text = '';
  let left = cutAfter;
  try {
    for await (const chunk of await opened(request, closing.signal)) {
      text += decoder.decode(chunk.subarray(0, left), { stream: true });
      left -= chunk.length;
      const parts = text.split(separator);
      text = parts.pop() ?? '';
      for (const part of parts) {
        const read = eventOf(part);
        if (read === null) continue;
        await take(read.event);
        ({ lastEventId } = read);
      }
      if (left <= 0) break;
    }
  } catch (error) {
    // The server was killed, or the test is over.
    if (error instanceof StreamRefused) throw error;
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
  return lastEventId;
}

/** A stream was answered with a problem. */
class StreamRefused extends Error {}

async function opened(
  { url, key, accept, lastEventId, onOpen }: StreamRequest,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const response = await fetch(url, {
    headers: {
      Accept: accept,
      Authorization: `Bearer ${key}`,
      ...(lastEventId === null ? {} : { 'Last-Event-ID': lastEventId }),
    },
    signal,
  });
  if (response.status !== 200 && response.status < 500)
    throw new StreamRefused(`${url}: ${response.status} ${await response.text()}`);
  onOpen?.();
  return response.body!;
}

/** The event of a whole part; null for a heartbeat. */
function eventOf(part: string): { event: FeedEvent; lastEventId: string } | null {
  const data = /^data: (.*)$/m.exec(part)?.[1] ?? (part.startsWith('{') ? part : null);
  if (data === null) return null;
  const event = JSON.parse(data) as FeedEvent & { heartbeat?: true };
  if (event.heartbeat) return null;
  const lastEventId = event.position ?? `${event.epoch}.${event.seq}`;
  const sentId = /^id: (.*)$/m.exec(part)?.[1];
  if (sentId !== undefined && sentId !== lastEventId)
    throw new Error(`an event with the id ${sentId} is ${lastEventId}`);
  return { event, lastEventId };
}
