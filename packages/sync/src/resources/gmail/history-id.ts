import { GoogleError, type Gmail, type GmailHistory } from '@syncline/google';

/*
 * The history id to start from when Google does not give one where it should. Google's guide:
 * "historyId of the most recent message (the first message in the list response)".
 */

/** Returns an id as Google writes it; 0 for anything else, which is lower than every real one. */
export function historyIdIn(text: string | null | undefined): bigint {
  return typeof text === 'string' && /^\d{1,20}$/.test(text) ? BigInt(text) : 0n;
}

/**
 * Returns the sync position of a mailbox whose profile has none, by its newest message; null when
 * there is none, or when history does not go back that far. Costs a page of ids, a message and a
 * page of history.
 */
export async function historyIdOfNewest(gmail: Gmail): Promise<bigint | null> {
  const [newest] = (await gmail.listMessages({ pageToken: null })).ids;
  if (newest === undefined) return null;
  const { messages } = await gmail.getMessages([newest.id]);
  const startHistoryId = historyIdIn(messages[0]?.historyId);
  if (startHistoryId === 0n) return null;
  try {
    const { historyId } = await gmail.history({ startHistoryId, pageToken: null });
    return historyId !== null && historyId > startHistoryId ? historyId : startHistoryId;
  } catch (error) {
    if (error instanceof GoogleError && error.detail.kind === 'sync-position-expired') return null;
    throw error;
  }
}

/**
 * Returns where the next listing of history begins. It is the first page's own id, so that changes
 * between the pages are read again rather than missed. If Google gives none, or one before the
 * listing's beginning, it is the newest record that the listing has named. It never decreases,
 * since changes before it are already applied.
 * @param until the result of the earlier pages of the listing; null on the first
 */
export function untilAfter(
  after: string,
  until: string | null,
  { records, historyId }: { records: readonly GmailHistory[]; historyId: bigint | null },
): string {
  if (historyId !== null && historyId > BigInt(after)) return until ?? String(historyId);
  const newest = records.reduce(
    (most, { id }) => (historyIdIn(id) > most ? historyIdIn(id) : most),
    BigInt(until ?? after),
  );
  return String(newest);
}
