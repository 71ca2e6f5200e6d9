/** Sources of messages, from the mirror or from Google (`@syncline/control/gmail/source`). */
import type { Google } from '@syncline/google';
import { OwnError, type Runtime } from '@syncline/runtime';
import type { Mirror, NamedAccount, Reads, Store } from '@syncline/store';
import { askGoogle, type Answered, type OnDemand } from './on-demand.js';

export type MessageSource =
  /** The message in its original form (RFC 822). */
  | { kind: 'found'; source: Buffer }
  /** The mirror does not have the message. */
  | { kind: 'no-message' }
  /** The mirror has the message without its source. */
  | { kind: 'no-source' };

/** Reads a stored source; sources are stored under `MIRROR_BODIES=raw`. Google is not asked. */
export async function readSource(
  { store }: { store: { mirror: Pick<Mirror, 'source' | 'knownMessages'> } },
  { id }: Pick<NamedAccount, 'id'>,
  messageId: string,
): Promise<MessageSource> {
  const source = await store.mirror.source(id, messageId);
  if (source) return { kind: 'found', source };
  const { messages } = await store.mirror.knownMessages(id, [messageId], []);
  return { kind: messages.has(messageId) ? 'no-source' : 'no-message' };
}

/** Bytes of a stored source that are read at a time. */
const PIECE_BYTES = 1_048_576;

class SourceGone extends OwnError {}

/**
 * Reads a stored source in pieces, in bounded memory.
 * @param bytes its length
 * @throws SourceGone when it was deleted or replaced meanwhile
 */
export async function* sourcePieces(
  { store }: { store: { reads: Pick<Reads, 'sourcePiece'> } },
  { id }: Pick<NamedAccount, 'id'>,
  messageId: string,
  bytes: number,
): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes;) {
    const asked = { from, bytes: Math.min(PIECE_BYTES, bytes - from) };
    const piece = await store.reads.sourcePiece(id, messageId, asked);
    if (piece.length !== asked.bytes) throw new SourceGone('the source is no longer stored');
    yield piece;
    from += piece.length;
  }
}

export type SourceFetched =
  /** @property units what the calls have cost */
  | { kind: 'found'; source: Buffer; units: number }
  /** Google no longer has the message, or has it without a source. */
  | { kind: 'no-source' }
  | Exclude<Answered<never>, { kind: 'answered' }>;

/** Requests a source from Google. */
export async function fetchSource(
  rt: Runtime,
  deps: { store: Store; google: Google },
  account: Pick<NamedAccount, 'id'>,
  messageId: string,
  wait: OnDemand,
): Promise<SourceFetched> {
  const asked = await askGoogle(rt, deps, account, wait, ({ gmail }) =>
    gmail.getSources([{ id: messageId, bytes: 0 }]),
  );
  if (asked.kind !== 'answered') return asked;
  const { sources, failed } = asked.answer;
  const [refused] = failed;
  if (refused !== undefined) return { kind: 'not-answered', error: refused.error };
  const source = sources[0]?.source ?? null;
  return source ? { kind: 'found', source, units: asked.units } : { kind: 'no-source' };
}
