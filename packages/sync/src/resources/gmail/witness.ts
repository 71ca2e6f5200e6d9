import { GoogleError, isTokenRefused, type Gmail } from '@syncline/google';
import type { Store } from '@syncline/store';
import { parseMessage } from './parse.js';

/** What has to work for a failure to count as an item's own. */
export type Ability =
  /** messages.get of whole messages. */
  | 'message'
  /** messages.get of sources. */
  | 'source'
  | 'thread'
  /** messages.attachments.get of bodies that Google delivers separately. */
  | 'body'
  /** Parsing of the message. */
  | 'parse';

/**
 * A well-formed id that no message has: Gmail's own ids begin with the time of arrival. It is
 * requested in a mailbox without another message; Google's 404 for it shows that messages are
 * looked up.
 */
const NO_MESSAGE = '0000000000000001';

/** What the search for a witness needs. */
export interface WitnessDeps {
  store: Pick<Store, 'quarantine'>;
  gmail: Gmail;
  accountId: string;
}

/**
 * Requests a message that the mirror holds, or otherwise a nonexistent one, to learn whether the
 * items or Google's service is the cause of a failure. One get; for threads a message's get, since
 * the messages of a thread that cannot be read are requested individually.
 * @param except the items that failed
 * @returns whether Google has answered for a message other than these
 * @throws GoogleError when the grant is refused, which concerns the account whatever the items'
 * errors
 */
export async function findWitness(
  { store, gmail, accountId }: WitnessDeps,
  ability: Ability,
  except: readonly string[],
): Promise<boolean> {
  const id = (await store.quarantine.knownMessage(accountId, except)) ?? NO_MESSAGE;
  try {
    if (ability === 'source') {
      const { sources, missing } = await gmail.getSources([{ id, bytes: 0 }]);
      return sources.length + missing.length > 0;
    }
    if (ability === 'body') return await answersAboutBodies(gmail, id);
    const { messages, missing } = await gmail.getMessages([id]);
    if (ability === 'parse') for (const message of messages) parseMessage(message);
    return messages.length + missing.length > 0;
  } catch (error) {
    if (error instanceof GoogleError && isGrantRefused(error)) throw error;
    // An exhausted quota is found again by the next call.
    if (error instanceof GoogleError || ability === 'parse') return false;
    throw error;
  }
}

/**
 * Whether Google finds another message that the mirror holds. One get; none if the mirror has no
 * other message.
 * @throws GoogleError when the grant is refused
 */
export async function findsAnother(
  { store, gmail, accountId }: WitnessDeps,
  except: readonly string[],
): Promise<boolean> {
  const id = await store.quarantine.knownMessage(accountId, except);
  if (id === null) return false;
  try {
    return (await gmail.getMessages([id])).messages.length > 0;
  } catch (error) {
    if (!(error instanceof GoogleError) || isGrantRefused(error)) throw error;
    return false;
  }
}

/**
 * Whether Google answers requests for bodies. An attachmentId is valid for a short time only, so
 * none is stored; Google's answer that there is no such attachment suffices.
 */
async function answersAboutBodies(gmail: Gmail, messageId: string): Promise<boolean> {
  try {
    await gmail.attachmentData(messageId, 'none');
    return true;
  } catch (error) {
    if (!(error instanceof GoogleError) || isGrantRefused(error)) throw error;
    return error.detail.kind === 'not-found' || error.detail.kind === 'rejected';
  }
}

function isGrantRefused(error: GoogleError): boolean {
  return error.detail.kind === 'unauthorized' || isTokenRefused(error);
}
