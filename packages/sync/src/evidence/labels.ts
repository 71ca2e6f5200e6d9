import type { GmailMessage } from '@syncline/google';
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
  /**
   * Labels whose list lacks messages that carry them, or may do so: the lists of this resync are
   * not believed.
   */
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
 * @param failed the sampled messages that Google gave no answer for: they may carry the label
 */
export function judgeLabels(
  losses: readonly LabelLoss[],
  gone: readonly string[],
  there: readonly GmailMessage[],
  failed: readonly string[],
): LabelFindings {
  const labelsOf = new Map(there.map(({ id, labelIds }) => [id, labelIds ?? []]));
  const findings: LabelFindings = { deleted: [], wrong: [] };
  for (const loss of losses) {
    const answered = loss.sample.filter((id) => labelsOf.has(id));
    const isCarried = answered.some((id) => labelsOf.get(id)?.includes(loss.labelId));
    const isUnknown = answered.length === 0 && loss.sample.some((id) => failed.includes(id));
    const isProven =
      answered.length > 0 || !needsEvidence(loss) || (gone.includes(loss.labelId) && !isUnknown);
    if ((isCarried || isUnknown) && loss.isListed) findings.wrong.push(loss.labelId);
    if (!isCarried && !loss.isListed && isProven) findings.deleted.push(loss.labelId);
  }
  return findings;
}
