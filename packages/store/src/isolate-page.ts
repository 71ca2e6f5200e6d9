import { removeCalendars, upsertCalendars } from './mirrors/calendar/calendars.js';
import type { Delta, PageCommit } from './commit-page.js';
import { applyEvents, type EventDelta } from './mirrors/calendar/events.js';
import { applyLabelChanges, deleteMessages, upsertMessages } from './mirrors/gmail/messages.js';
import { removeOtherLabels, upsertLabels } from './mirrors/gmail/labels.js';
import type { Lease } from './lease.js';
import { isRowRefusal, PageRefused, refusalReason, refusalsAllowed } from './row-refusal.js';
import type { RowChange } from './rows.js';
import { cleanedRows, onceEach } from './storable-page.js';
import { quarantinedLabel, quarantineId } from './storable.js';
import type { Transaction } from './transaction.js';
import { relabelSteps } from './mirrors/gmail/walk-labels.js';
import { applyWalk, insertMet, putBack, type SetAside } from './walk.js';

/*
 * A page that Postgres has refused, written once more in one transaction, under the fence: list by
 * list, and a list that is refused in halves, each behind a savepoint, down to the rows that are
 * refused by themselves. Those are quarantined; everything else, the quarantine and the cursor are
 * committed once. Committing halves instead would advance the feed without the cursor.
 *
 * A list of n rows with k refused ones takes about 2k·log2(n) statements; k is bounded by
 * `refusalsAllowed`.
 */

export interface Isolated {
  changes: RowChange[];
  swept: number;
  cleared: number;
  /** Rows that Postgres refuses, with its reason in our words. */
  refused: SetAside[];
}

/** @throws PageRefused when too many rows are refused */
export async function writeIsolated(
  session: Transaction,
  lease: Lease,
  commit: PageCommit,
): Promise<Isolated> {
  // A constraint that is checked at COMMIT would refuse the page as a whole.
  await session.query('SET CONSTRAINTS ALL IMMEDIATE');
  const page: Page = { session, lease, refused: [] };
  const changes = await writeDelta(page, cleanedRows(commit.delta));
  const walked = await writeWalk(page, commit);
  return {
    changes: [...changes, ...walked.changes],
    swept: walked.swept,
    cleared: walked.cleared,
    refused: page.refused,
  };
}

interface Page {
  session: Transaction;
  lease: Lease;
  refused: SetAside[];
}

/**
 * Rows of one page that one statement or function writes, and any part of which it can write alone.
 */
interface List<T> {
  rows: readonly T[];
  /** The table that a reason names. */
  table: string;
  /** What a refused row is quarantined as. */
  entryId: (row: T) => string;
  write: (rows: readonly T[]) => Promise<RowChange[]>;
}

/** In the order of the happy path: it is the order of the feed. */
async function writeDelta(page: Page, delta: Delta): Promise<RowChange[]> {
  const { session, lease } = page;
  switch (delta.kind) {
    case 'none':
      return [];
    case 'gmail':
      return [
        ...(delta.labels ? await writeLabels(page, delta.labels) : []),
        ...(await writeList(page, {
          rows: delta.labelChanges,
          table: 'gmail_messages',
          entryId: ({ id }) => id,
          write: (rows) => applyLabelChanges(session, lease.accountId, rows),
        })),
        ...(await writeList(page, {
          rows: delta.deleted,
          table: 'gmail_messages',
          entryId: quarantineId,
          write: (ids) => deleteMessages(session, lease.accountId, ids),
        })),
        ...(await writeList(page, {
          rows: delta.messages,
          table: 'gmail_messages',
          entryId: ({ id }) => id,
          write: (rows) => upsertMessages(session, lease.accountId, rows),
        })),
      ];
    case 'calendar-list':
      return [
        ...(await writeList(page, {
          rows: delta.calendars,
          table: 'calendars',
          entryId: ({ id }) => id,
          write: (rows) => upsertCalendars(session, lease.accountId, rows),
        })),
        ...(await writeList(page, {
          rows: delta.removed,
          table: 'calendars',
          entryId: quarantineId,
          write: (ids) => removeCalendars(session, lease.accountId, ids),
        })),
      ];
    case 'calendar-events':
      return writeEvents(page, delta);
  }
}

async function writeEvents(page: Page, { events, deleted }: EventDelta): Promise<RowChange[]> {
  const apply = (some: Partial<EventDelta>): Promise<RowChange[]> =>
    applyEvents(page.session, page.lease.accountId, page.lease.externalId, {
      events: [],
      deleted: [],
      ...some,
    });
  const table = 'calendar_events';
  return [
    ...(await writeList(page, {
      rows: events,
      table,
      entryId: ({ id }) => id,
      write: (rows) => apply({ events: rows }),
    })),
    ...(await writeList(page, {
      rows: deleted,
      table,
      entryId: quarantineId,
      write: (ids) => apply({ deleted: ids }),
    })),
  ];
}

/** A label that is refused keeps the row that it has: the catalogue names it. */
async function writeLabels(
  page: Page,
  labels: NonNullable<Extract<Delta, { kind: 'gmail' }>['labels']>,
): Promise<RowChange[]> {
  const { session, lease } = page;
  const stored = await writeList(page, {
    rows: labels,
    table: 'gmail_labels',
    entryId: ({ id }) => quarantinedLabel(id),
    write: (rows) => upsertLabels(session, lease.accountId, rows),
  });
  const ids = labels.map(({ id }) => id);
  return [...stored, ...(await removeOtherLabels(session, lease.accountId, ids))];
}

async function writeWalk(
  page: Page,
  { generation, walk = {} }: PageCommit,
): Promise<Omit<Isolated, 'refused'>> {
  const { session, lease } = page;
  const { met, again, relabel, ...rest } = walk;
  await writeList(page, {
    rows: met ?? [],
    table: 'walk_items',
    entryId: ({ id }) => id,
    write: async (rows) => {
      insertMet(session, lease, generation, rows);
      return [];
    },
  });
  await writeList(page, {
    rows: again ?? [],
    table: 'walk_items',
    entryId: ({ id }) => id,
    write: async (rows) => {
      putBack(session, lease, generation, rows);
      return [];
    },
  });
  const steps = relabel ? await relabelSteps(session, lease, relabel) : null;
  const relabelled = steps
    ? await writeList(page, {
        rows: steps.rows,
        table: 'gmail_messages',
        entryId: ({ id }) => id,
        write: (rows) => steps.write(generation, rows),
      })
    : [];
  const refusedIds = new Set(page.refused.map(({ id }) => id));
  const walked = await applyWalk(session, lease, generation, {
    ...rest,
    ...(rest.taken && { taken: rest.taken.filter((id) => !refusedIds.has(id)) }),
    quarantined: onceEach([...(rest.quarantined ?? []), ...page.refused]),
  });
  return { ...walked, changes: [...relabelled, ...walked.changes] };
}

/** Writes what can be written of the list, and notes the rest as refused. */
async function writeList<T>(page: Page, list: List<T>): Promise<RowChange[]> {
  const allowed = refusalsAllowed(list.rows.length);
  const reasons: string[] = [];
  const refuse = (row: T, reason: string): void => {
    reasons.push(reason);
    if (reasons.length > allowed) throw new PageRefused(reasons.length, list.rows.length, reasons);
    page.refused.push({ id: list.entryId(row), reason, cause: 'row-refused' });
  };
  return list.rows.length === 0 ? [] : writeHalves(page.session, list, list.rows, refuse);
}

async function writeHalves<T>(
  session: Transaction,
  list: List<T>,
  rows: readonly T[],
  refuse: (row: T, reason: string) => void,
): Promise<RowChange[]> {
  try {
    return await session.apart(() => list.write(rows));
  } catch (error) {
    if (!isRowRefusal(error)) throw error;
    const [only] = rows;
    if (rows.length === 1 && only !== undefined) {
      refuse(only, refusalReason(error, error.table ?? list.table));
      return [];
    }
    const middle = Math.ceil(rows.length / 2);
    return [
      ...(await writeHalves(session, list, rows.slice(0, middle), refuse)),
      ...(await writeHalves(session, list, rows.slice(middle), refuse)),
    ];
  }
}
