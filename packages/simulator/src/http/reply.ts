import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendDamaged, type WireDamage } from './damage.js';
import { applyFields, type FieldMask } from './fields.js';

/** A complete answer to a request or to one part of a batch. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  /** Further headers; they replace those of the front end. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Damage on the wire. */
  readonly wire?: { readonly damage: WireDamage; readonly ms: number };
  /** Must resolve before the answer is sent. */
  readonly after?: Promise<void>;
}

/** An answer without content. */
export const NO_CONTENT: Reply = {
  status: 204,
  contentType: 'text/html; charset=UTF-8',
  body: Buffer.alloc(0),
};

/** A redirect; its headers must name the Location. */
export const REDIRECT: Reply = { ...NO_CONTENT, status: 302 };

/** The requested format: `prettyPrint` (default true) and `fields`. */
export interface Format {
  readonly pretty: boolean;
  readonly fields: FieldMask | null;
}

export const JSON_TYPE = 'application/json; charset=UTF-8';
export const PLAIN: Format = { pretty: true, fields: null };

/** Formats JSON as Google does: indented by two with a final line end, or compact. */
export function jsonReply(value: unknown, format: Format, status = 200): Reply {
  return { status, contentType: JSON_TYPE, body: Buffer.from(jsonText(value, format)) };
}

function jsonText(value: unknown, format: Format): string {
  const asked = format.fields === null ? value : applyFields(value, format.fields);
  return format.pretty ? `${JSON.stringify(asked, null, 2)}\n` : JSON.stringify(asked);
}

const compress = promisify(gzip);
/** Below this size gzip costs more than it saves. */
const GZIP_FROM_BYTES = 512;

/** The headers that Google's front end sends with every answer. */
const FRONT_END_HEADERS = {
  Vary: 'Origin, X-Origin, Referer',
  Server: 'ESF',
  'Cache-Control': 'private',
  'X-XSS-Protection': '0',
  'X-Frame-Options': 'SAMEORIGIN',
  'X-Content-Type-Options': 'nosniff',
  'Alt-Svc': 'h3=":443"; ma=2592000',
};

/**
 * Sends the answer chunked. As at Google, it is compressed only if the client accepts gzip *and*
 * its User-Agent contains gzip.
 */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
): Promise<void> {
  if (reply.after !== undefined) await reply.after;
  const headers = { 'Content-Type': reply.contentType, ...FRONT_END_HEADERS, ...reply.headers };
  if (reply.wire !== undefined && !response.destroyed) {
    await sendDamaged(response, reply, headers, reply.wire);
    return;
  }
  const zipped = reply.body.length >= GZIP_FROM_BYTES && wantsGzip(request);
  const body = zipped ? await compress(reply.body, { level: 1 }) : reply.body;
  if (response.destroyed) return;
  response.writeHead(reply.status, zipped ? { ...headers, 'Content-Encoding': 'gzip' } : headers);
  response.end(body);
}

function wantsGzip(request: IncomingMessage): boolean {
  const accepted = request.headers['accept-encoding'] ?? '';
  return accepted.includes('gzip') && (request.headers['user-agent'] ?? '').includes('gzip');
}
