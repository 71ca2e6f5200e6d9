/** What the methods of the client take and give, derived from the generated types. */
import type { OperationId } from './generated/operations.js';
import type { operations } from './generated/schema.js';

/** Options of one call. */
export interface CallOptions {
  /** Ends the call, and its attempts. */
  signal?: AbortSignal;
  /**
   * Of a POST: a repeated request with the same key gets the answer of the first one, for 24 hours.
   * By default each call has a key of its own, which its attempts share.
   */
  idempotencyKey?: string;
}

type QueryOf<Id extends OperationId> = operations[Id]['parameters'] extends { query?: infer Query }
  ? [NonNullable<Query>] extends [never]
    ? unknown
    : NonNullable<Query>
  : unknown;
type BodyOf<Id extends OperationId> = operations[Id] extends {
  requestBody?: { content: { 'application/json': infer Body } };
}
  ? Body
  : unknown;

/** The parameters of an operation's query, and the fields of its body. */
export type Input<Id extends OperationId> = unknown extends QueryOf<Id> & BodyOf<Id>
  ? Readonly<Record<string, never>>
  : QueryOf<Id> & BodyOf<Id>;

type Success<Responses> = Responses[keyof Responses & (200 | 201 | 202)];
type JsonOf<Answer> = Answer extends { content: { 'application/json': infer Body } }
  ? Body
  : Response;

/** The body of an operation's answer; the answer itself where it is not JSON. */
export type Output<Id extends OperationId> = JsonOf<Success<operations[Id]['responses']>>;

type ItemOf<Page> = Page extends { data: readonly (infer Item)[] } ? Item : never;

/**
 * A list: awaited, it is the first page; iterated, it is the items of all pages, each of which is
 * requested when the one before has been read.
 */
export interface List<Id extends OperationId>
  extends Promise<Output<Id>>, AsyncIterable<ItemOf<Output<Id>>> {
  /** The pages, with what they say beside their items. */
  pages(): AsyncIterable<Output<Id>>;
}
