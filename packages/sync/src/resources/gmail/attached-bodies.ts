import { GoogleError, isTokenRefused, type Gmail, type GmailMessage } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import { isAccountWideError } from '../../account-refusal.js';
import { askFor, type Answers } from './answers.js';
import type { MirrorPolicy } from '../../mirror-policy.js';
import { hasFetchedText, placedParts, type Part } from './part-tree.js';
import type { FetchPlan } from './plan.js';

/*
 * Bodies that Google delivers separately: for a large text the message has an `attachmentId` and no
 * data ("MessagePartBody" of the Gmail API reference). They are fetched before the message is
 * stored. A body that Google refuses, or that exceeds the limit, stays listed as an attachment, and
 * the message is stored with the rest of its text; its bytes can be fetched on request.
 */

/**
 * The maximum for the fetched bodies of one message together. A message in Gmail may have 25 MB,
 * nearly all of it files.
 */
const MAX_ATTACHED_BODY_BYTES = 8 * 1024 * 1024;
/** The maximum for one page; bodies beyond it are requested again after the page. */
const PAGE_BODY_BYTES = 16 * 1024 * 1024;

/**
 * Does the same as `askFor` and also fetches bodies that Google delivers separately. A transient
 * error of a body counts as the message's own.
 */
export async function askForWhole(
  gmail: Gmail,
  plan: FetchPlan,
  { bodies }: MirrorPolicy,
): Promise<Answers> {
  const answers = await askFor(gmail, plan);
  const attached = new Map(
    answers.messages.map((message) => [message, attachedParts(message, bodies)] as const),
  );
  if ([...attached.values()].every((parts) => parts.length === 0)) return answers;
  const messages: GmailMessage[] = [];
  let bytes = 0;
  let refused: GoogleError | null = null;
  for (const [message, parts] of attached) {
    const id = message.id ?? '';
    const size = sizeOf(parts);
    if (isBeyondPage(bytes, size)) {
      answers.unnamed.add(id);
      continue;
    }
    if (size > 0 && refused) {
      answers.failed.set(id, refused);
      continue;
    }
    bytes += size;
    const error = await fetchParts(gmail, id, parts);
    if (error === null) {
      messages.push(message);
      answers.worked.body ||= parts.length > 0;
    } else {
      answers.failed.set(id, error);
      answers.failedBy.set(id, 'body');
      if (isAccountWideError(error)) refused = error;
    }
  }
  return { ...answers, messages };
}

/** Whether the page's limit is exceeded. The first message with bodies always fits. */
function isBeyondPage(bytes: number, size: number): boolean {
  return size > 0 && bytes > 0 && bytes + size > PAGE_BODY_BYTES;
}

/**
 * Adds the data of separately delivered bodies to the message's parts, as far as the policy keeps
 * them and they are not too large. Costs a call of `users.messages.attachments.get` for each (20
 * units, legacy 5).
 * @throws GoogleError when a body could not be fetched now but may be later
 */
export async function fetchBodies(
  gmail: Gmail,
  message: GmailMessage,
  bodies: MirrorPolicy['bodies'],
): Promise<void> {
  const error = await fetchParts(gmail, message.id ?? '', attachedParts(message, bodies));
  if (error) throw error;
}

/** @returns the error when a body could not be fetched now but may be later */
async function fetchParts(
  gmail: Gmail,
  messageId: string,
  parts: readonly Part[],
): Promise<GoogleError | null> {
  for (const part of parts) {
    try {
      const bytes = await gmail.attachmentData(messageId, part.body?.attachmentId ?? '');
      // The response belongs to this call alone, so it is changed in place; a copy would recurse
      // through a tree of any depth that a sender chose. The size that Google declares may be
      // wrong, so the actual size is checked.
      if (bytes.length <= MAX_ATTACHED_BODY_BYTES)
        part.body = { size: part.body?.size ?? null, data: bytes.toString('base64url') };
    } catch (error) {
      if (!(error instanceof GoogleError)) throw error;
      if (!isFinal(error)) return error;
    }
  }
  return null;
}

/** Returns the parts to be fetched: in document order, as many as the limit allows. */
function attachedParts(message: GmailMessage, bodies: MirrorPolicy['bodies']): Part[] {
  if (bodies === 'none' || !message.payload || !hasFetchedText(message.payload)) return [];
  let bytes = 0;
  return placedParts(message.payload)
    .filter(
      ({ part, isAttachedBody }) =>
        isAttachedBody &&
        (bodies !== 'text' || part.mimeType?.toLowerCase() === 'text/plain') &&
        (bytes += part.body?.size ?? 0) <= MAX_ATTACHED_BODY_BYTES,
    )
    .map(({ part }) => part);
}

function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + Math.max(1, part.body?.size ?? 0), 0);
}

/**
 * Whether an error is permanent for this body. The message itself was just delivered, so a refusal
 * of its body alone does not concern the grant. Without an access token the body was not requested.
 */
function isFinal(error: GoogleError): boolean {
  if (isTokenRefused(error)) return false;
  const { detail } = error;
  switch (detail.kind) {
    case 'not-found':
    case 'rejected':
    case 'forbidden':
      return true;
    case 'rate-limited':
    case 'unavailable':
    case 'key-missing':
    case 'unauthorized':
    case 'sync-position-expired':
    case 'endless-listing':
      return false;
    default:
      return unreachable(detail);
  }
}
