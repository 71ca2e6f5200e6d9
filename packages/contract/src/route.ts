/** The form of a route's entry in the table, and the types that follow from it. */
import type { z } from 'zod';
import type { ProblemName } from './problems.js';
import type { Scope } from './scopes.js';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** One answer of a route that is no problem. */
export interface AnswerSpec {
  description: string;
  /** The JSON body; a text for other media types. */
  schema: z.ZodType;
  /** Default: `application/json`. */
  media?: string;
  /**
   * Other media types in which this answer is sent as it comes, with what they hold. The first form
   * is `media`; a client asks for another one by `Accept`.
   */
  streams?: Readonly<Record<string, z.ZodType>>;
  /** Names and descriptions of headers that only this answer has. */
  headers?: Readonly<Record<string, string>>;
}

export interface Route {
  method: Method;
  /** Parameters in braces: `/v1/accounts/{id}`. */
  path: string;
  /** The group in the document. */
  tag: string;
  summary: string;
  description?: string;
  /** `any`: every key may; null: no key is needed. */
  scope: Scope | 'any' | null;
  /**
   * Where the request names an account: `id` of the path, or `account` of query or body. It is
   * looked up before the handler runs; an account of another tenant is not found.
   */
  accountIn?: 'params' | 'query' | 'body';
  /** Whether the body may come without `account`. */
  accountIsOptional?: boolean;
  /** Strings. A value that does not parse is not found. */
  params: z.ZodObject;
  /** Closed. Numbers and booleans are converted from their texts. */
  query: z.ZodObject;
  /** Headers that are input. Their names are those of the fields. */
  headers?: z.ZodObject;
  /** Closed; null: the route takes no body. */
  body: z.ZodType | null;
  /** A body of lines (application/x-ndjson) that the route takes in place of `body`. */
  bodyLines?: { line: z.ZodType; limit: number; bytesLimit: number };
  /** Whether the request may come without its body. */
  bodyIsOptional?: boolean;
  answers: Readonly<Record<number, AnswerSpec>>;
  /** Whether an answer shows a secret once: kept for an idempotency key, it is sealed. */
  holdsSecret?: boolean;
  /** The problems of this route beside those that follow from the rest of the entry. */
  problems: readonly ProblemName[];
  /** Largest body in bytes. */
  bodyLimitBytes?: number;
  /** What a request costs of the key's rate. */
  weight: number;
  /** Whether it may spend Google's quota. */
  spendsQuota: boolean;
}

/** Largest body of a request, unless the route has another limit. */
export const BODY_LIMIT_BYTES = 1_048_576;

/** Keeps the literal types of an entry. */
export function route<const R extends Route>(entry: R): R {
  return entry;
}

/** The parsed input of a route. */
export interface Input<R extends Route> {
  params: z.output<R['params']>;
  query: z.output<R['query']>;
  headers: R['headers'] extends z.ZodObject ? z.output<R['headers']> : undefined;
  body: R['body'] extends z.ZodType
    ? z.output<R['body']> | (R['bodyIsOptional'] extends true ? undefined : never)
    : undefined;
  /** A body of lines; `body` is then undefined. Null: there is none. */
  lines: R['bodyLines'] extends object ? Buffer | null : null;
}

/** A JSON value before it is written: a time may be a Date where the document has a string. */
type Wire<T> = T extends string
  ? string extends T
    ? T | Date
    : T
  : T extends readonly (infer Item)[]
    ? readonly Wire<Item>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;

/** A text that is sent as it comes, until the signal is aborted. */
export type TextStream = (signal: AbortSignal) => AsyncIterable<string>;

/** An answer that is sent as it comes, until the signal is aborted. */
export type ByteStream = (signal: AbortSignal) => AsyncIterable<string | Uint8Array>;

/** What the handler of a route may answer. */
export type Answer<R extends Route> = {
  [S in keyof R['answers'] & number]:
    | {
        status: S;
        body:
          | Wire<z.input<R['answers'][S]['schema']>>
          | (R['answers'][S] extends { media: string } ? Buffer : never);
        headers?: Readonly<Record<string, string>>;
      }
    | (R['answers'][S] extends { streams: Readonly<Record<infer Media, z.ZodType>> }
        ? {
            status: S;
            media: Media;
            stream: ByteStream;
            headers?: Readonly<Record<string, string>>;
            /** Called when the stream is over, or is not sent. */
            release?: () => void;
          }
        : never);
}[keyof R['answers'] & number];

/** A problem that the handler of a route may answer. */
export interface RouteProblem<R extends Route> {
  problem:
    | R['problems'][number]
    // A worker may erase the account while the handler runs.
    | (R extends { accountIn: string } ? 'not-found' : never);
  /** For a person; quotes no input. */
  detail: string;
  /** With `missing-scope`. */
  scope?: Scope;
  /** When the request may be sent again. */
  retryAfterS?: number;
}
