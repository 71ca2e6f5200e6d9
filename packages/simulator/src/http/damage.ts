/**
 * Damage to a valid answer in transit, as by proxies or bad connections between Google's replicas
 * and the client. Some kinds change the answer itself (and apply to a part of a batch too), others
 * the bytes on the wire.
 */
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Reply } from './reply.js';
import { unreachable } from '../unreachable.js';

export const DAMAGES = [
  'truncated-body',
  'malformed-json',
  'empty-200',
  'wrong-charset',
  'gzip-cut',
  'slow-body',
  'half-then-reset',
] as const;
export type Damage = (typeof DAMAGES)[number];
/** Kinds of damage that exist only on the wire. */
export type WireDamage = Extract<
  Damage,
  'truncated-body' | 'gzip-cut' | 'slow-body' | 'half-then-reset'
>;

/**
 * Returns the answer of a whole request, with the damage to apply on the wire (`ms`: the duration
 * of a slow body).
 */
export function damaged(reply: Reply, damage: Damage, ms: number): Reply {
  switch (damage) {
    case 'malformed-json':
      return { ...reply, body: half(reply.body) };
    case 'empty-200':
      return { ...reply, status: 200, body: Buffer.alloc(0) };
    case 'wrong-charset':
      return {
        ...reply,
        contentType: reply.contentType.replace(/charset=[\w-]+/i, 'charset=UTF-16'),
      };
    case 'truncated-body':
    case 'gzip-cut':
    case 'slow-body':
    case 'half-then-reset':
      return { ...reply, wire: { damage, ms } };
    default:
      return unreachable(damage);
  }
}

/**
 * Returns the answer of one part. Where the wire would break off, the part ends in its middle; a
 * slow part delays only itself.
 */
export function damagedPart(reply: Reply, damage: Damage, ms: number): Reply {
  const whole = damaged(reply, damage, ms);
  return whole.wire === undefined
    ? whole
    : {
        status: reply.status,
        contentType: reply.contentType,
        body: damage === 'slow-body' ? reply.body : half(reply.body),
      };
}

const PIECES = 10;

/**
 * Sends the answer with damage. `headers` are those of a valid answer, without length and encoding.
 */
export async function sendDamaged(
  response: ServerResponse,
  reply: Reply,
  headers: Record<string, string>,
  wire: { damage: WireDamage; ms: number },
): Promise<void> {
  switch (wire.damage) {
    case 'truncated-body':
      response.writeHead(reply.status, { ...headers, 'Content-Length': String(reply.body.length) });
      await cutAfter(response, half(reply.body));
      return;
    case 'half-then-reset':
      response.writeHead(reply.status, headers);
      await cutAfter(response, half(reply.body));
      return;
    case 'gzip-cut':
      // The framing is complete and only the compressed stream is truncated; a careless client
      // accepts the half as complete.
      response.writeHead(reply.status, { ...headers, 'Content-Encoding': 'gzip' });
      response.end(half(gzipSync(reply.body)));
      return;
    case 'slow-body':
      await trickle(response, reply, headers, wire.ms);
      return;
    default:
      unreachable(wire.damage);
  }
}

/** Sends ten pieces, spread over `ms`. */
async function trickle(
  response: ServerResponse,
  reply: Reply,
  headers: Record<string, string>,
  ms: number,
): Promise<void> {
  response.writeHead(reply.status, headers);
  const size = Math.max(1, Math.ceil(reply.body.length / PIECES));
  for (let at = 0; at < reply.body.length && !response.destroyed; at += size) {
    response.write(reply.body.subarray(at, at + size));
    await new Promise<void>((resolve) => {
      setTimeout(resolve, ms / PIECES).unref();
    });
  }
  response.end();
}

/**
 * The bytes must have been sent before the connection is cut; otherwise the client would see a
 * plain reset.
 */
async function cutAfter(response: ServerResponse, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    response.write(bytes, () => {
      resolve();
    });
  });
  response.destroy();
}

function half(bytes: Buffer): Buffer {
  return bytes.subarray(0, Math.floor(bytes.length / 2));
}
