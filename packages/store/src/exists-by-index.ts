/**
 * SQL: whether `subquery` has a row, evaluated by one index lookup per outer row.
 *
 * Postgres plans an ordinary EXISTS as a join, from statistics that do not cover a list that was
 * filled a moment ago. It compared each row of a mailbox with each item of the list, which took 30
 * s for 20,000 messages. Postgres never turns a subquery with OFFSET into a join.
 *
 * @param subquery must constrain every column of a key; otherwise each lookup reads all items of
 * the list
 */
export function existsByIndex(subquery: string): string {
  return `EXISTS (${subquery} OFFSET 0)`;
}
