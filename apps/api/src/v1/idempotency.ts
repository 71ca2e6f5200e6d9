/** Runs a POST once for each idempotency key, and gives the same answer again. */
import { createHash } from 'node:crypto';
import { IDEMPOTENCY_KEY_LIMIT } from '@syncline/contract';
import { unreachable } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import { problemReply, type Refusal, type Reply } from './reply.js';
import { openAnswer, sealAnswer, type Sealing } from './sealed-answer.js';

/** A longer answer is not kept; the request would be run again. */
const ANSWER_LIMIT_BYTES = 262_144;

interface IdempotentRequest {
  keyId: string;
  /** The `Idempotency-Key`. */
  key: string;
  method: string;
  /** With its query. */
  target: string;
  body: string;
  /** How its answer is sealed; null: it holds no secret. */
  sealing: Sealing | null;
}

/** @returns whether the text may be an idempotency key */
export function isIdempotencyKey(text: string): boolean {
  return text.length <= IDEMPOTENCY_KEY_LIMIT && /^[\x21-\x7e]+$/.test(text);
}

/** @param run does the work; its answer is kept unless it may be another one at the next try */
export async function runOnce(
  { store }: { store: Pick<Store, 'idempotency'> },
  { keyId, key, method, target, body, sealing }: IdempotentRequest,
  requestId: string,
  run: () => Promise<Reply>,
): Promise<Reply> {
  const requestHash = createHash('sha256').update(`${method} ${target}\n${body}`).digest();
  const begun = await store.idempotency.begin({ keyId, key, requestHash });
  switch (begun.kind) {
    case 'new':
      return keepAnswer({ store }, { keyId, key, run: begun.run }, sealing, run);
    case 'answered':
      return replyOf(begun.answer, sealing);
    case 'in-progress':
      return problemReply(IN_PROGRESS, requestId);
    case 'mismatch':
      return problemReply(MISMATCH, requestId);
    default:
      return unreachable(begun);
  }
}

const IN_PROGRESS: Refusal = {
  problem: 'idempotency-in-progress',
  headers: { 'Retry-After': '1' },
};
const MISMATCH: Refusal = {
  problem: 'idempotency-mismatch',
  detail: 'Use another key for another request.',
};

async function keepAnswer(
  { store }: { store: Pick<Store, 'idempotency'> },
  request: { keyId: string; key: string; run: string },
  sealing: Sealing | null,
  run: () => Promise<Reply>,
): Promise<Reply> {
  try {
    const reply = await run();
    const answer = String(reply.body);
    const isKept = reply.status < 500 && Buffer.byteLength(answer) <= ANSWER_LIMIT_BYTES;
    if (isKept)
      await store.idempotency.finish(request, {
        status: reply.status,
        location: reply.headers['Location'] ?? null,
        answer: sealing === null ? answer : sealAnswer(sealing, answer),
      });
    else await store.idempotency.drop(request);
    return reply;
  } catch (error) {
    // When Postgres is away, the request is taken for abandoned after a minute.
    await store.idempotency.drop(request).catch(() => undefined);
    throw error;
  }
}

function replyOf(
  { status, location, answer }: { status: number; location: string | null; answer: string },
  sealing: Sealing | null,
): Reply {
  return {
    status,
    headers: {
      'Content-Type': status >= 400 ? 'application/problem+json' : 'application/json',
      ...(location === null ? {} : { Location: location }),
      ...(sealing === null ? {} : { 'Cache-Control': 'no-store' }),
    },
    body: sealing === null ? answer : openAnswer(sealing, answer),
  };
}
