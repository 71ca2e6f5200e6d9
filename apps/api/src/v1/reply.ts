/** Answers of the API before they are written. */
import { createHash } from 'node:crypto';
import { PROBLEMS, problemType, type Mistake, type ProblemName } from '@syncline/contract';
import type { CallersStream } from './streams.js';

/** An answer as it is sent. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string | Buffer;
  /** What is sent in place of the body, as it comes. */
  stream?: CallersStream;
}

export interface Refusal {
  problem: ProblemName;
  detail?: string | undefined;
  errors?: readonly Mistake[];
  scope?: string;
  headers?: Record<string, string>;
}

export function problemReply(
  { problem, detail, errors, scope, headers }: Refusal,
  instance: string,
): Reply {
  const { status, title } = PROBLEMS[problem];
  const document = {
    type: problemType(problem),
    title,
    status,
    detail: detail ?? null,
    instance,
    ...(errors === undefined ? {} : { errors }),
    ...(scope === undefined ? {} : { scope }),
  };
  return {
    status,
    headers: { 'Content-Type': 'application/problem+json', ...headers },
    body: JSON.stringify(document),
  };
}

/** A hash of the body; an answer with the same body has the same. */
export function etagOf(body: string | Buffer): string {
  return `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}

/** Whether an `If-None-Match` names the tag; the comparison is weak. */
export function isNamed(tag: string, ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined) return false;
  const opaque = tag.replace(/^W\//, '');
  return ifNoneMatch
    .split(',')
    .map((one) => one.trim())
    .some((one) => one === '*' || one.replace(/^W\//, '') === opaque);
}
