/** What a handler of the API gets and gives. No handler sees Express. */
import type { Answer, ByteStream, Input, Route, RouteProblem, Routes } from '@syncline/contract';
import type { Caller } from '@syncline/control/api-keys';
import type { NamedAccount } from '@syncline/store';

type AccountOf<R extends Route> = R extends { accountIn: 'query' } | { accountIsOptional: true }
  ? NamedAccount | null
  : R extends { accountIn: 'params' | 'body' }
    ? NamedAccount
    : null;

/** A request: parsed, authenticated, and its account found within the caller's tenant. */
type Request<R extends Route> = Input<R> & {
  caller: R['scope'] extends null ? null : Caller;
  account: AccountOf<R>;
  /** Aborted when the client has gone. */
  gone: AbortSignal;
  /** The form that the client prefers among those of the route's answers. */
  media: string;
};

type Handler<R extends Route> = (request: Request<R>) => Promise<Answer<R> | RouteProblem<R>>;

/** A worker may erase the account of a request while it is answered. */
export const REMOVED = { problem: 'not-found', detail: 'The account was removed.' } as const;

/** A handler for each entry of the route table. */
export type Handlers = { [Id in keyof Routes]: Handler<Routes[Id]> };

/** The handlers of one group of routes. */
export type HandlersOf<Tag extends Routes[keyof Routes]['tag']> = Pick<
  Handlers,
  { [Id in keyof Routes]: Routes[Id]['tag'] extends Tag ? Id : never }[keyof Routes]
>;

/** A request whose route is not known by its type. */
interface AnyRequest {
  params: Record<string, unknown>;
  query: Record<string, unknown>;
  headers: Record<string, unknown> | undefined;
  body: unknown;
  lines: Buffer | null;
  caller: Caller | null;
  account: NamedAccount | null;
  gone: AbortSignal;
  media: string;
}

export interface AnyAnswer {
  status: number;
  body: unknown;
  headers?: Readonly<Record<string, string>>;
}

export interface AnyStream {
  status: number;
  media: string;
  stream: ByteStream;
  headers?: Readonly<Record<string, string>>;
  release?: () => void;
}

export type AnyHandler = (
  request: AnyRequest,
) => Promise<AnyAnswer | AnyStream | RouteProblem<Route>>;
