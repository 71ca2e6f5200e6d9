/** Answers that are files of strangers: a client saves them, and no browser shows them. */
import { create } from 'content-disposition';

/** In code points. File systems allow 255 bytes. */
const NAME_LIMIT = 100;
const EXTENSION_LIMIT = 12;
/** Controls, and marks that change the direction of what is shown: `exe.fdp` reads as `pdf.exe`. */
const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
/** Separators of paths, and what other file systems give a meaning. */
const SPECIAL = /[\\/:*?"<>|]/g;

/**
 * Returns a name under which a file can be saved: of one line, without a path, not hidden, and not
 * too long; its extension stays. Pure.
 * @param otherwise the name of a file without one
 */
export function safeFileName(given: string, otherwise: string): string {
  const name = given
    .toWellFormed()
    .normalize('NFC')
    .replaceAll(INVISIBLE, '')
    .replaceAll(SPECIAL, '_')
    .replace(/^[\s.]+/, '')
    .replace(/[\s.]+$/, '');
  const points = Array.from(name);
  if (points.length === 0) return otherwise;
  if (points.length <= NAME_LIMIT) return name;
  const dot = points.lastIndexOf('.');
  const extension = points.length - dot <= EXTENSION_LIMIT ? points.slice(dot) : [];
  return [...points.slice(0, NAME_LIMIT - extension.length), ...extension].join('');
}

/** Headers of a file. The type is set by the caller, from a list. */
export function fileHeaders(
  name: string,
  bytes: number,
): Record<string, string> & {
  'Content-Disposition': string;
} {
  return {
    'Content-Disposition': create(name),
    'Content-Length': String(bytes),
    'Content-Security-Policy': "sandbox; default-src 'none'",
    'X-Content-Type-Options': 'nosniff',
  };
}

const PIECE_BYTES = 65_536;

/**
 * Gives bytes in pieces, so that a client that does not read is noticed.
 * @param o `withinMs`: a client that takes longer is cut off, since the bytes are in memory
 */
export async function* inPieces(
  data: Buffer,
  signal: AbortSignal,
  { nowMs, withinMs }: { nowMs: () => number; withinMs: number },
): AsyncGenerator<Uint8Array> {
  const untilMs = nowMs() + withinMs;
  for (let at = 0; at < data.length; at += PIECE_BYTES) {
    if (signal.aborted) return;
    if (nowMs() >= untilMs) throw new Error('the client has taken too long for a file');
    yield data.subarray(at, at + PIECE_BYTES);
  }
}
