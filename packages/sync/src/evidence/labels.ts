import { GoogleError, type GmailMessage } from '@syncline/google';
import type { LabelLoss } from '@syncline/store';
import { SMALL_SWEEP } from './decide.js';

/*
 * Labels that stored messages would lose since a label's list does not name them. Pure. A list may
 * be wrong as any other, and a message may carry a label that no list is read for.
 */

/** Labels of one resync that are looked at, and messages that are asked for of each. */
export const LABELS_LOOKED_AT = 20;
export const MESSAGES_OF_A_LABEL = 5;

export interface LabelFindings {
  /**
   * Labels that no list was read for and that no message carries any more: they are taken away like
   * those of an empty list.
   */
  deleted: string[];
  /** Labels whose list lacks messages that carry them: the lists of this resync are wrong. */
  wrong: string[];
}

/**
 * Whether messages have to be asked for: for more than five rows, and for a label that no list was
 * read for. That Google does not know such a label by its id says nothing of the messages: they may
 * carry a label that no method names.
 */
export function needsEvidence({ rows, isListed }: LabelLoss): boolean {
  return rows > SMALL_SWEEP || !isListed;
}

/**
 * @param gone labels that Google has said it does not have: that decides where none of the sampled
 * messages is left
 * @param there the sampled messages that Google has, with their labels of now
 */
export function judgeLabels(
  losses: readonly LabelLoss[],
  gone: readonly string[],
  there: readonly GmailMessage[],
): LabelFindings {
  const labelsOf = new Map(there.map(({ id, labelIds }) => [id, labelIds ?? []]));
  const findings: LabelFindings = { deleted: [], wrong: [] };
  for (const loss of losses) {
    const answered = loss.sample.filter((id) => labelsOf.has(id));
    const isCarried = answered.some((id) => labelsOf.get(id)?.includes(loss.labelId));
    const isProven = answered.length > 0 || !needsEvidence(loss) || gone.includes(loss.labelId);
    if (isCarried && loss.isListed) findings.wrong.push(loss.labelId);
    if (!isCarried && !loss.isListed && isProven) findings.deleted.push(loss.labelId);
  }
  return findings;
}

/**
 * @throws the first error where a message could not be asked for: labels are taken away only by
 * what is known of all of them
 */
export function messagesIn(answer: {
  messages: GmailMessage[];
  failed: { error: GoogleError }[];
}): GmailMessage[] {
  const [failure] = answer.failed;
  if (failure && ['rate-limited', 'key-missing'].includes(failure.error.detail.kind))
    throw failure.error;
  return answer.messages;
}
