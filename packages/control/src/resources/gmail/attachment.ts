/**
 * Fetches the bytes of an attachment, which are not mirrored
 * (`@syncline/control/gmail/attachment`).
 */
import type { Attachment, Google } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { NamedAccount, Store } from '@syncline/store';
import { askGoogle, type Answered, type OnDemand } from './on-demand.js';

/** The maximum time that the call waits for quota, while a person waits for the result. */
const MAX_QUOTA_WAIT_MS = 60_000;

export type AttachmentFetched =
  /** @property units what the calls have cost */
  | { kind: 'found'; attachment: Attachment; units: number }
  /** Google no longer has such a message, or such a part of it. */
  | { kind: 'no-attachment' }
  | Exclude<Answered<never>, { kind: 'answered' }>;

/** Requests the attachment from Google. */
export async function fetchAttachment(
  rt: Runtime,
  deps: { store: Store; google: Google },
  account: Pick<NamedAccount, 'id'>,
  { messageId, partId }: { messageId: string; partId: string },
  wait: OnDemand = { maxQuotaWaitMs: MAX_QUOTA_WAIT_MS, signal: rt.signal },
): Promise<AttachmentFetched> {
  const asked = await askGoogle(rt, deps, account, wait, ({ gmail }) =>
    gmail.attachment(messageId, partId),
  );
  if (asked.kind !== 'answered') return asked;
  const { answer: attachment, units } = asked;
  return attachment ? { kind: 'found', attachment, units } : { kind: 'no-attachment' };
}
