/** Answers that are written as they come: their number is bounded, and so is what a reader may owe. */
import type { ByteStream } from '@syncline/contract';
import type { Runtime } from '@syncline/runtime';
import type { Response } from 'express';

/** A stream that a handler answers with, and who reads it. */
export interface CallersStream {
  bytes: ByteStream;
  /** Called when the stream is over, or is not sent. */
  release?: (() => void) | undefined;
  keyId: string;
  /** Whether the key is still accepted. */
  isKeyValid: () => Promise<boolean>;
}

export interface StreamLimits {
  /** Open streams of a key, and of the process. */
  perKey: number;
  perProcess: number;
  /** A reader that takes nothing for this time is closed. */
  unreadMs: number;
  /** A stream ends after this time; its reader continues with another one. */
  lifetimeMs: number;
  /** A stream of a revoked key ends within this time and that of the key's cache. */
  keyCheckedEveryMs: number;
}

/** The listener has 1,250 connections, some of which are left to requests. */
const LIMITS: StreamLimits = {
  perKey: 50,
  perProcess: 1_000,
  unreadMs: 30_000,
  lifetimeMs: 3_600_000,
  keyCheckedEveryMs: 1_000,
};

export interface Streams {
  /** @returns null when the key or the process has as many as it may */
  open(stream: CallersStream): OpenStream | null;
}

export interface OpenStream {
  /**
   * Writes to the end: the handler's, the client's, the key's, that of the lifetime, or the drain of
   * the process. The response has its status and headers.
   */
  writeTo(response: Response): Promise<void>;
}

export function openStreams(
  rt: Pick<Runtime, 'clock' | 'log' | 'metrics' | 'signal'>,
  limits: Partial<StreamLimits> = {},
): Streams {
  const all = { ...LIMITS, ...limits };
  const ofKey = new Map<string, number>();
  const keyWatch = openKeyWatch(all.keyCheckedEveryMs);
  let count = 0;
  const add = (keyId: string, change: 1 | -1): void => {
    count += change;
    const left = (ofKey.get(keyId) ?? 0) + change;
    if (left === 0) ofKey.delete(keyId);
    else ofKey.set(keyId, left);
    rt.metrics.apiStreams.set(count);
  };
  return {
    open: (stream) => {
      const { keyId } = stream;
      if (count >= all.perProcess || (ofKey.get(keyId) ?? 0) >= all.perKey) return null;
      add(keyId, 1);
      return {
        writeTo: (response) =>
          write(rt, { limits: all, keyWatch }, stream, response).finally(() => {
            add(keyId, -1);
            stream.release?.();
          }),
      };
    },
  };
}

async function write(
  rt: Pick<Runtime, 'clock' | 'log' | 'signal'>,
  { limits, keyWatch }: { limits: StreamLimits; keyWatch: KeyWatch },
  { bytes, keyId, isKeyValid }: CallersStream,
  response: Response,
): Promise<void> {
  const over = new AbortController();
  const end = (): void => over.abort(new Error('the stream is over'));
  const lifetime = setTimeout(end, limits.lifetimeMs);
  const release = keyWatch.add(keyId, { isKeyValid, end });
  rt.signal.addEventListener('abort', end, { once: true });
  response.once('close', end);
  if (rt.signal.aborted) end();
  try {
    if (response.destroyed) return;
    response.flushHeaders();
    for await (const chunk of bytes(over.signal)) {
      if (response.destroyed) return;
      if (response.write(chunk) || (await isTaken(response, limits.unreadMs, over.signal)))
        continue;
      return void response.destroy();
    }
    // An answer that has a length and is cut must not look like a pause.
    if (over.signal.aborted && response.hasHeader('Content-Length')) response.destroy();
    else response.end();
  } catch (error) {
    // The client sees an answer that is cut, and continues from the last event.
    response.destroy();
    rt.log.warn({ event: 'api_stream_failed', err: error }, 'a stream of the HTTP API was cut');
  } finally {
    clearTimeout(lifetime);
    release();
    rt.signal.removeEventListener('abort', end);
  }
}

/** A stream whose key is checked. */
interface KeyUse {
  isKeyValid: () => Promise<boolean>;
  end: () => void;
}

interface KeyWatch {
  /** @returns a function that ends the watch of this stream */
  add(keyId: string, use: KeyUse): () => void;
}

/** Ends the streams of keys that are no longer accepted: one check for all streams of a key. */
function openKeyWatch(everyMs: number): KeyWatch {
  const uses = new Map<string, Set<KeyUse>>();
  let timer: NodeJS.Timeout | null = null;
  const check = (): void => {
    for (const ofKey of uses.values()) void endIfInvalid(ofKey);
  };
  return {
    add: (keyId, use) => {
      const ofKey = uses.get(keyId) ?? new Set();
      uses.set(keyId, ofKey.add(use));
      timer ??= setInterval(check, everyMs);
      return () => {
        ofKey.delete(use);
        if (ofKey.size === 0 && uses.get(keyId) === ofKey) uses.delete(keyId);
        if (uses.size > 0 || timer === null) return;
        clearInterval(timer);
        timer = null;
      };
    },
  };
}

async function endIfInvalid(ofKey: ReadonlySet<KeyUse>): Promise<void> {
  const [first] = ofKey;
  // Without Postgres a key cannot be checked; a stream itself ends where it cannot read.
  const isValid = (await first?.isKeyValid().catch(() => true)) ?? true;
  if (!isValid) for (const { end } of ofKey) end();
}

/** Whether the client takes what was written in time; true also when the stream is over. */
function isTaken(response: Response, withinMs: number, over: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const resolveTaken = (isInTime: boolean) => (): void => {
      clearTimeout(late);
      response.off('drain', taken);
      over.removeEventListener('abort', taken);
      resolve(isInTime);
    };
    const taken = resolveTaken(true);
    const late = setTimeout(resolveTaken(false), withinMs);
    response.once('drain', taken);
    over.addEventListener('abort', taken, { once: true });
    if (over.aborted) taken();
  });
}
