import { GoogleError, isTokenRefused, type Gmail, type GmailMessage } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import { isAccounts } from '../../account-refusal.js';
import { askFor, type Answers } from './answers.js';
import type { MirrorPolicy } from '../../mirror-policy.js';
import { hasFetchedText, placedParts, type Part } from './part-tree.js';
import type { FetchPlan } from './plan.js';

/*
 * Bodies that Google hands out apart: of a large text the message has an `attachmentId` and no data
 * ("MessagePartBody" of the Gmail API reference). They are fetched before the message is stored.
 * One that Google refuses, or that is larger than what is kept, stays listed as an attachment, and
 * the message is stored with the rest of its text: its bytes are there for whoever asks.
 */

/**
 * Of one message's fetched bodies together: what a mail may weigh in Gmail is 25 MB, nearly all of
 * it files.
 */
const MAX_ATTACHED_BODY_BYTES = 8 * 1024 * 1024;
/** Of one page: what is beyond it is asked for again, after the page. */
const PAGE_BODY_BYTES = 16 * 1024 * 1024;

/**
 * As `askFor`, with the bodies of the messages that lack theirs. A transient error is the message's
 * own, as if the message had met it.
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
      if (isAccounts(error)) refused = error;
    }
  }
  return { ...answers, messages };
}

/** The first message with bodies always fits. */
function isBeyondPage(bytes: number, size: number): boolean {
  return size > 0 && bytes > 0 && bytes + size > PAGE_BODY_BYTES;
}

/**
 * Puts the data of the message's attached bodies where Google puts that of others, as far as the
 * policy keeps them and they are not too large. Costs a call of `users.messages.attachments.get`
 * for each (20 units, legacy 5).
 * @throws GoogleError when a body could not be had now, and may be had later
 */
export async function fetchBodies(
  gmail: Gmail,
  message: GmailMessage,
  bodies: MirrorPolicy['bodies'],
): Promise<void> {
  const error = await fetchParts(gmail, message.id ?? '', attachedParts(message, bodies));
  if (error) throw error;
}

/** @returns why a body could not be had now */
async function fetchParts(
  gmail: Gmail,
  messageId: string,
  parts: readonly Part[],
): Promise<GoogleError | null> {
  for (const part of parts) {
    try {
      const bytes = await gmail.attachmentData(messageId, part.body?.attachmentId ?? '');
      // The answer was parsed for us alone; a copy would have to call itself once for each level of
      // a tree that anybody may send. What Google says about a size need not be true.
      if (bytes.length <= MAX_ATTACHED_BODY_BYTES)
        part.body = { size: part.body?.size ?? null, data: bytes.toString('base64url') };
    } catch (error) {
      if (!(error instanceof GoogleError)) throw error;
      if (!isFinal(error)) return error;
    }
  }
  return null;
}

/** Those that are to be fetched: in document order, as many as the bound allows. */
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
 * The message itself was just given out: what is refused of its body alone says nothing about the
 * grant. Without an access token the body was not asked for.
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
