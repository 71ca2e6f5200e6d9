/** The errors of the client. */
import type { Problem, ProblemType } from './generated/operations.js';

/** A mistake of a request. */
export type Mistake = NonNullable<Problem['errors']>[number];

/** The API has answered with a problem (RFC 9457). */
export class SynclineProblem extends Error {
  override readonly name = 'SynclineProblem';
  /** Names the problem; it is stable. Later versions of the API may add types. */
  readonly type: ProblemType;
  readonly status: number;
  readonly title: string;
  /** For a person. */
  readonly detail: string | null;
  /** The id of the request, as in the logs of the API. */
  readonly requestId: string;
  /** Every mistake of the request, with `invalid-request`. */
  readonly errors: readonly Mistake[];
  /** The scope that the key lacks, with `missing-scope`. */
  readonly scope: string | null;
  /** The time after which the request may be repeated, where the API states it. */
  readonly retryAfterMs: number | null;

  constructor(problem: Problem, { retryAfterMs }: { retryAfterMs: number | null }) {
    super(messageOf(problem));
    this.type = problem.type as ProblemType;
    this.status = problem.status;
    this.title = problem.title;
    this.detail = problem.detail;
    this.requestId = problem.instance;
    this.errors = problem.errors ?? [];
    this.scope = problem.scope ?? null;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No answer of the API: the network, a time limit, or an answer of something in between. */
export class SynclineUnreachable extends Error {
  override readonly name = 'SynclineUnreachable';
  /** The status of an answer that is not the API's. */
  readonly status: number | null;

  constructor(
    message: string,
    { status = null, cause }: { status?: number | null; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.status = status;
  }
}

function messageOf({ title, detail, errors, scope }: Problem): string {
  const mistakes = (errors ?? []).map((one) => `${one.in} ${one.path}: ${one.message}`);
  const more = [detail, scope === undefined ? null : `It needs ${scope}.`, mistakes.join('; ')];
  return [title, ...more.filter(Boolean)].join('. ').replaceAll('..', '.');
}

/** Whether an answer's body is a problem of the API. */
export function isProblem(body: unknown): body is Problem {
  const { type, status, title } = Object(body) as Partial<Problem>;
  return (
    typeof type === 'string' &&
    type.startsWith('urn:syncline:problem:') &&
    typeof status === 'number' &&
    typeof title === 'string'
  );
}
