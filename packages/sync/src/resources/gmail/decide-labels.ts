import type { GmailMessage } from '@syncline/google';
import type { Store } from '@syncline/store';
import { SMALL_SWEEP } from '../../evidence/decide.js';

/*
 * Decides about labels that stored messages would lose because a label's list does not name them.
 * Pure. A list may be wrong, and a message may carry a label for which no list is read.
 */

export type LabelLoss = Awaited<ReturnType<Store['items']['labelLosses']>>[number];

/**
 * The maximum number of labels that are checked in one resync, for labels with a list and for
 * labels without one each.
 */
export const LABELS_CHECKED = 20;
/** Number of messages that are requested to decide about one label. */
export const MESSAGES_OF_A_LABEL = 5;
/**
 * The maximum number of messages that one resync reads again because they carry a label without a
 * list: 10,000 quota units.
 */
export const MESSAGES_READ_AGAIN = 500;

/**
 * What to do about labels for which no list was read. Each of their messages may have lost the
 * label while others keep it, so a sample does not decide about the rest: the messages are read
 * again, those of rare labels first. Only where they are too many is the label decided as a whole.
 */
export interface UnlistedLabels {
  /** Messages to be read again. */
  readAgain: string[];
  /** The remaining labels, with or without a list, to be decided by samples. */
  undecided: LabelLoss[];
}

/** @param losses samples of unlisted labels name all of their rows, up to MESSAGES_READ_AGAIN */
export function unlistedLabels(losses: readonly LabelLoss[]): UnlistedLabels {
  const readAgain = new Set<string>();
  const undecided = losses.filter(({ isListed }) => isListed);
  const unlisted = losses.filter(({ isListed }) => !isListed);
  for (const loss of unlisted.sort((a, b) => a.rows - b.rows)) {
    const all = new Set([...readAgain, ...loss.sample]);
    const isWhole = loss.rows <= loss.sample.length;
    if (isWhole && all.size <= MESSAGES_READ_AGAIN) for (const id of all) readAgain.add(id);
    else undecided.push({ ...loss, sample: loss.sample.slice(0, MESSAGES_OF_A_LABEL) });
  }
  return { readAgain: [...readAgain], undecided };
}

export interface LabelFindings {
  /**
   * Labels without a list that no message carries any more: they are removed like those of an empty
   * list.
   */
  deleted: string[];
  /**
   * Labels whose list lacks, or may lack, messages that carry them: the lists of this resync are
   * not used.
   */
  wrong: string[];
}

/**
 * Whether messages have to be requested: for a loss of more than five rows, and for a label without
 * a list. Even if Google does not know such a label by its id, its messages may carry it: a message
 * may have a label that no method names.
 */
export function needsEvidence({ rows, isListed }: LabelLoss): boolean {
  return rows > SMALL_SWEEP || !isListed;
}

/**
 * @param gone labels that Google does not have, as it has answered; this decides if none of the
 * sampled messages exists any more
 * @param there the sampled messages that Google has, with their current labels
 * @param failed the sampled messages without an answer: they may carry the label
 */
export function decideLabels(
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
