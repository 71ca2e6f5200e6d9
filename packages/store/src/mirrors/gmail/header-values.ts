import type { MessageRow } from './rows.js';

/*
 * A header that a column of `gmail_messages` holds unchanged has only its name in `resource`: five
 * such values are a tenth of what a short message occupies (docs/decisions/0140-disk.md). Reading
 * `resource` puts them back, so that readers of the API see every header as Google gave it.
 */

export type HeaderColumns = Pick<
  MessageRow,
  'subject' | 'from' | 'to' | 'cc' | 'date' | 'messageId'
>;

export interface Header {
  name?: string | null;
  value?: string | null;
}

const COLUMNS: ReadonlyMap<string, keyof HeaderColumns> = new Map([
  ['subject', 'subject'],
  ['from', 'from'],
  ['to', 'to'],
  ['cc', 'cc'],
  ['date', 'date'],
  ['message-id', 'messageId'],
]);

/** SQL: the fields of `HeaderColumns` of `gmail_messages m`. */
export const HEADER_COLUMNS =
  'm.subject, m.from_header AS "from", m.to_header AS "to", m.cc_header AS cc, m.date_header AS date, m.message_id_header AS "messageId"';

/** Returns the headers, without the values that are those of the columns. */
export function withoutColumnValues<H extends Header>(
  headers: readonly H[],
  columns: HeaderColumns,
): (H | Omit<H, 'value'>)[] {
  return mapFirsts(headers, (header, column) => {
    if (header.value !== columns[column]) return header;
    const { value: _inColumn, ...rest } = header;
    return rest;
  });
}

/** The inverse of `withoutColumnValues`. */
export function withColumnValues<H extends Header>(
  headers: readonly H[],
  columns: HeaderColumns,
): H[] {
  return mapFirsts(headers, (header, column) =>
    header.value === undefined && columns[column] !== null
      ? { ...header, value: columns[column] }
      : header,
  );
}

/** Applies `change` to the first header of each name that has a column: columns hold the first. */
function mapFirsts<In extends Header, Out>(
  headers: readonly In[],
  change: (header: In, column: keyof HeaderColumns) => Out,
): (In | Out)[] {
  const left = new Map(COLUMNS);
  return headers.map((header) => {
    const name = header.name?.toLowerCase() ?? '';
    const column = left.get(name);
    if (column === undefined) return header;
    left.delete(name);
    return change(header, column);
  });
}
