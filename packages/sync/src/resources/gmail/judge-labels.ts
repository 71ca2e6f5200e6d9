import type { GmailMessage } from '@syncline/google';
import type { LabelLoss } from '@syncline/store';
import { SMALL_SWEEP } from '../../evidence/decide.js';

/*
 * Labels that stored messages would lose since a label's list does not name them. Pure. A list may
 * be wrong as any other, and a message may carry a label that no list is read for.
 */

/** Labels of one resync that are looked at: so many with a list, and so many without one. */
export const LABELS_CHECKED = 20;
/** Messages that are asked for to judge one label. */
export const MESSAGES_OF_A_LABEL = 5;
/**
 * Messages that one resync reads again since no list was read for a label that they carry: 10,000
 * quota units.
 */
export const MESSAGES_READ_AGAIN = 500;

/**
 * What is done about labels that no list was read for. Each of their messages may have lost the
 * label while others keep it, so a sample says nothing about the rest: the messages are read again,
 * those of rare labels first. Only where they are too many is the label judged as a whole.
 */
export interface UnlistedLabels {
  /** Messages to be read again. */
  readAgain: string[];
  /** What is left to be judged by samples, listed labels included. */
  toJudge: LabelLoss[];
}

/** @param losses samples of unlisted labels name all of their rows, up to MESSAGES_READ_AGAIN */
export function unlistedLabels(losses: readonly LabelLoss[]): UnlistedLabels {
  const readAgain = new Set<string>();
  const toJudge = losses.filter(({ isListed }) => isListed);
  const unlisted = losses.filter(({ isListed }) => !isListed);
  for (const loss of unlisted.sort((a, b) => a.rows - b.rows)) {
    const all = new Set([...readAgain, ...loss.sample]);
    const isWhole = loss.rows <= loss.sample.length;
    if (isWhole && all.size <= MESSAGES_READ_AGAIN) for (const id of all) readAgain.add(id);
    else toJudge.push({ ...loss, sample: loss.sample.slice(0, MESSAGES_OF_A_LABEL) });
  }
  return { readAgain: [...readAgain], toJudge };
}

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
