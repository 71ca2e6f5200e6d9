import { GoogleError, isTokenRefused, type Gmail } from '@syncline/google';
import type { Store } from '@syncline/store';
import { parseMessage } from './parse.js';

/** What has to work for a failure to be an item's own. */
export type Ability =
  /** messages.get, whole messages. */
  | 'message'
  /** messages.get, sources. */
  | 'source'
  | 'thread'
  /** messages.attachments.get, of bodies that Google hands out apart. */
  | 'body'
  /** What comes can be understood. */
  | 'parse';

/**
 * The well-formed id of no message: Gmail's own begin with the time of arrival. A mailbox without
 * another message is asked for it, and 404, Google's own word on a message that it does not have,
 * says that messages are looked up.
 */
const NO_MESSAGE = '0000000000000001';

/** Where a witness is looked for. */
export interface WitnessStand {
  store: Pick<Store, 'quarantine'>;
  gmail: Gmail;
  accountId: string;
}

/**
 * Asks for a message that the mirror holds, or else for none, to learn whether it is the items or
 * Google that fails. One get, of threads a message's, since what a broken thread holds is asked for
 * alone.
 * @param except the items that failed
 * @returns whether Google has answered about another message than these
 * @throws GoogleError when the grant is refused: that decides for the account, whatever the items met
 */
export async function findWitness(
  { store, gmail, accountId }: WitnessStand,
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
    // Quota is met again by the next call.
    if (error instanceof GoogleError || ability === 'parse') return false;
    throw error;
  }
}

/**
 * An attachmentId lives for a while only, so that none is known: Google's own word that there is
 * none of this name will do.
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
