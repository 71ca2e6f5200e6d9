/** Reads the source of a message from the mirror (`@syncline/control/gmail/source`). */
import type { NamedAccount, Store } from '@syncline/store';

export type MessageSource =
  /** The message in its original form (RFC 822). */
  | { kind: 'found'; source: Buffer }
  /** The mirror does not have the message. */
  | { kind: 'no-message' }
  /** The mirror has the message without its source. */
  | { kind: 'no-source' };

/** Reads a stored source; sources are stored under `MIRROR_BODIES=raw`. Google is not asked. */
export async function readSource(
  { store }: { store: Pick<Store, 'knownMessages'> & { mirror: Pick<Store['mirror'], 'source'> } },
  { id }: Pick<NamedAccount, 'id'>,
  messageId: string,
): Promise<MessageSource> {
  const source = await store.mirror.source(id, messageId);
  if (source) return { kind: 'found', source };
  const { messages } = await store.knownMessages(id, [messageId], []);
  return { kind: messages.has(messageId) ? 'no-source' : 'no-message' };
}
