/* The configured scope of the mirror. */

/** Which of Google's data is kept. */
export interface MirrorPolicy {
  /**
   * Which parts of a message's body are kept: text and html; these and the raw source; the text
   * only; or none. Headers, snippet and the attachments' names are always kept.
   */
  bodies: 'full' | 'raw' | 'text' | 'none';
  /** Messages that get no row, by their location in the mailbox. */
  exclude: readonly Excludable[];
  /** How many days the first full sync goes back; null: to the mailbox's beginning. */
  windowDays: number | null;
}

/** Gmail's labels for them; a message may have several. */
const LABEL_OF = { spam: 'SPAM', trash: 'TRASH', drafts: 'DRAFT' } as const;
export type Excludable = keyof typeof LABEL_OF;

export const MIRROR_EVERYTHING: MirrorPolicy = { bodies: 'full', exclude: [], windowDays: null };

/** Completes a policy. Whatever it leaves out is kept. */
export function completePolicy(said: Partial<MirrorPolicy> = {}): MirrorPolicy {
  return { ...MIRROR_EVERYTHING, ...said };
}

export function excludedLabels({ exclude }: MirrorPolicy): string[] {
  return exclude.map((name) => LABEL_OF[name]);
}
