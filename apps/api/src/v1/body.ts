/** Reads the body of a request within its limit. */
import { BODY_LIMIT_BYTES, type Route } from '@syncline/contract';
import { hasBody } from '@syncline/runtime';
import type { Request } from 'express';
import { parseJson } from './json-text.js';
import type { Refusal } from './reply.js';

/** `absent`: there is none. `problem`: what is wrong with its text. */
export type Body =
  | { kind: 'absent' }
  | { kind: 'json'; value: unknown; text: string }
  | { kind: 'lines'; bytes: Buffer }
  | { kind: 'invalid'; problem: string }
  | { kind: 'refused'; refusal: Refusal };

/** The body is not read further, so the connection cannot be used again. */
const CLOSE = { Connection: 'close' };

export async function readBody(request: Request, route: Route): Promise<Body> {
  if (route.body === null || !hasBody(request)) return { kind: 'absent' };
  const { headers } = request;
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    return unsupported('Send the body without Content-Encoding.');
  if (route.bodyLines !== undefined && isOfType(headers['content-type'], LINES))
    return readLines(request, route.bodyLines);
  if (!isOfType(headers['content-type'], 'application/json'))
    return unsupported('Send the body as application/json in UTF-8.');
  const bytes = await readBytes(request, route.bodyLimitBytes ?? BODY_LIMIT_BYTES);
  if (!Buffer.isBuffer(bytes)) return unread(bytes);
  const text = decoded(bytes);
  if (text === null) return { kind: 'invalid', problem: 'is not UTF-8' };
  const parsed = parseJson(text);
  return 'problem' in parsed
    ? { kind: 'invalid', problem: parsed.problem }
    : { kind: 'json', value: parsed.value, text };
}

async function readLines(
  request: Request,
  { limit, bytesLimit }: NonNullable<Route['bodyLines']>,
): Promise<Body> {
  const bytes = await readBytes(request, bytesLimit);
  return Buffer.isBuffer(bytes) ? linesOf(bytes, limit) : unread(bytes);
}

function unread(why: 'too-large' | 'cut'): Body {
  return why === 'cut'
    ? { kind: 'invalid', problem: 'did not arrive in full' }
    : { kind: 'refused', refusal: { problem: 'too-large', headers: CLOSE } };
}

function unsupported(detail: string): Body {
  return {
    kind: 'refused',
    refusal: { problem: 'unsupported-media-type', detail, headers: CLOSE },
  };
}

const LINES = 'application/x-ndjson';

/** Whether the header names this type, in UTF-8. */
function isOfType(header: string | undefined, type: string): boolean {
  const [given = '', ...parameters] = (header ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const isUtf8 = parameters.every((one) => /^charset\s*=\s*"?utf-8"?$/.test(one));
  return given === type && parameters.length <= 1 && isUtf8;
}

function linesOf(bytes: Buffer, limit: number): Body {
  let lines = 1;
  for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < bytes.length - 1; lines++)
    at = bytes.indexOf(NEWLINE, at + 1);
  return lines > limit
    ? { kind: 'invalid', problem: `has more than ${limit} lines` }
    : { kind: 'lines', bytes };
}

const NEWLINE = 0x0a;

function readBytes(request: Request, limit: number): Promise<Buffer | 'too-large' | 'cut'> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.resolve('too-large');
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (result: Buffer | 'too-large' | 'cut'): void => {
      request.off('data', onData);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > limit) {
        request.pause();
        end('too-large');
      }
    };
    request.on('data', onData);
    request.once('end', () => end(Buffer.concat(chunks)));
    request.once('error', () => end('cut'));
    request.once('close', () => end('cut'));
  });
}

function decoded(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
