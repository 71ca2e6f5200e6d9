/** Pages of lists with cursors (packages/contract/src/cursor.ts). */
import { decodeCursor, encodeCursor } from '@syncline/contract';

/** A list, and the page of it that is asked for. */
export interface Asked {
  route: string;
  /** What selects the rows beside the query: the account, or the caller's tenant. */
  params: Readonly<Record<string, unknown>>;
  query: Readonly<Record<string, unknown>> & { limit: number; cursor?: string | undefined };
}

export const BAD_CURSOR = {
  problem: 'bad-cursor',
  detail: 'Begin again without a cursor.',
} as const;

/** Forms of the parts of a key: a cursor can be forged, and Postgres refuses other values. */
export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
export const TEXT = /^[^\u0000]*$/;

/**
 * Returns the key of the last row of the page before; null for the first page.
 * @param forms those of the parts of a key; omitted: the caller checks the parts
 */
export function positionOf(
  asked: Asked,
  forms?: readonly RegExp[],
): string[] | null | 'bad-cursor' {
  const { cursor } = asked.query;
  if (cursor === undefined) return null;
  const position = decodeCursor(asked, cursor);
  if (position === null) return 'bad-cursor';
  const isKey =
    forms === undefined ||
    (position.length === forms.length && forms.every((form, at) => form.test(position[at] ?? '')));
  return isKey ? position : 'bad-cursor';
}

/**
 * Returns a page with the cursor of the next one.
 * @param read reads so many rows after the position
 */
export async function pageOf<Row>(
  asked: Asked,
  read: (limit: number) => Promise<Row[]>,
  keyOf: (row: Row) => readonly string[],
): Promise<{ rows: Row[]; next: string | null }> {
  const { limit } = asked.query;
  const found = await read(limit + 1);
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const hasMore = found.length > rows.length && last !== undefined;
  return { rows, next: hasMore ? encodeCursor(asked, keyOf(last)) : null };
}
