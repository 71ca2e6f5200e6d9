/**
 * Fetches the bytes of an attachment, which are not mirrored
 * (`@syncline/control/gmail/attachment`).
 */
import { type Attachment, type Google, GoogleError } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { NamedAccount, Store } from '@syncline/store';
import { verifiedAccount } from '@syncline/sync';

/** The maximum time that the call waits for quota, while a person waits for the result. */
const MAX_QUOTA_WAIT_MS = 60_000;

export type AttachmentFetched =
  | { kind: 'found'; attachment: Attachment }
  /** Google no longer has such a message, or such a part of it. */
  | { kind: 'no-attachment' }
  | { kind: 'not-answered'; error: GoogleError };

/**
 * Requests the attachment from Google.
 * @throws OperatorError when the grant is not known to be the account's own
 */
export async function fetchAttachment(
  rt: Runtime,
  { store, google }: { store: Store; google: Google },
  { id }: Pick<NamedAccount, 'id'>,
  { messageId, partId }: { messageId: string; partId: string },
): Promise<AttachmentFetched> {
  try {
    const account = await verifiedAccount(rt, { store, google }, id, {
      lane: 'live',
      signal: rt.signal,
      maxQuotaWaitMs: MAX_QUOTA_WAIT_MS,
    });
    try {
      const attachment = await account.gmail.attachment(messageId, partId);
      return attachment ? { kind: 'found', attachment } : { kind: 'no-attachment' };
    } finally {
      await store.quota.record(id, account.takeSpent());
    }
  } catch (error) {
    if (error instanceof GoogleError) return { kind: 'not-answered', error };
    throw error;
  }
}
