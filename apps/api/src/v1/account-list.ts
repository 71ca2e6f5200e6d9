/** Lists of an account's rows: pages with the feed's position and their freshness. */
import { createHash } from 'node:crypto';
import { encodeCursor } from '@syncline/contract';
import type { FreshResult } from '@syncline/control/fresh-reads';
import { listDocument, type ListDocument } from '@syncline/control/reads';
import type { ReadPage } from '@syncline/store';
import { BAD_CURSOR, positionOf, type Asked } from './paging.js';

const NO_ACCOUNT = { problem: 'not-found', detail: 'There is no such thing here.' } as const;

export interface ListAnswer<Row, More extends object = object> {
  status: 200;
  body: ListDocument<Row> & { next: string | null } & More;
  headers: { ETag: string };
}

/** How the pages of a list are read. */
interface ListReader<Key, Row> {
  /** Returns the key that a cursor's position stands for; null when it is none. */
  keyOf: (position: readonly string[]) => Key | null;
  /** Reads the page after the key; null when there is no such list. */
  read: (page: { after: Key | null; limit: number }) => Promise<ReadPage<Row> | null>;
}

/**
 * Answers a list.
 * @param fresh what came of the freshness that the request asks for
 */
export async function accountList<Key, Row>(
  asked: Asked,
  fresh: FreshResult | null,
  { keyOf, read }: ListReader<Key, Row>,
): Promise<ListAnswer<Row> | typeof NO_ACCOUNT | typeof BAD_CURSOR> {
  const position = positionOf(asked);
  const after = position === null || position === 'bad-cursor' ? null : keyOf(position);
  if (position !== null && after === null) return BAD_CURSOR;
  const page = await read({ after, limit: asked.query.limit });
  if (page === null) return NO_ACCOUNT;
  return listAnswer(asked, fresh, page, {});
}

/** @param more further fields of the list, which follow from its rows */
export function listAnswer<Row, More extends object>(
  asked: Asked,
  fresh: FreshResult | null,
  page: ReadPage<Row>,
  more: More,
): ListAnswer<Row, More> {
  const document = listDocument(page, fresh);
  const next = page.next === null ? null : encodeCursor(asked, page.next);
  return {
    status: 200,
    body: { ...document, next, ...more },
    headers: { ETag: tagOf(asked, document) },
  };
}

/** Rows do not change without a `seq`. The lag, which always changes, is not in the tag. */
function tagOf(asked: Asked, { epoch, seq, freshness }: ListDocument<unknown>): string {
  const { phase, complete, fresh, why } = freshness;
  const text = JSON.stringify([asked, phase, complete, fresh, why]);
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 22);
  return `W/"${epoch}-${seq}-${hash}"`;
}

/** The key of a row that its id alone gives. */
export function idKey(position: readonly string[]): string | null {
  const [id] = position;
  return position.length === 1 && isId(id) ? id : null;
}

/** Postgres takes no NUL, and no half of a surrogate pair. A cursor is a text of the client. */
export function isId(id: string | undefined): id is string {
  return id !== undefined && id !== '' && !id.includes('\0') && id.isWellFormed();
}
