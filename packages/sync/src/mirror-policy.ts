/* What is mirrored of what Google has, as the configuration says it. */

/** What is kept of what Google has. */
export interface MirrorPolicy {
  /** Of a message's body: text and html, beside them the whole source, the text alone, or nothing. Headers, snippet and the attachments' names are kept always. */
  bodies: 'full' | 'raw' | 'text' | 'none';
  /** Messages that have no row, by where they lie. */
  exclude: readonly Excludable[];
  /** How many days the first full sync goes back; null is to the mailbox's beginning. */
  windowDays: number | null;
}

/** Gmail's own labels for them; a message may have several. */
const LABEL_OF = { spam: 'SPAM', trash: 'TRASH', drafts: 'DRAFT' } as const;
export type Excludable = keyof typeof LABEL_OF;

export const MIRROR_EVERYTHING: MirrorPolicy = { bodies: 'full', exclude: [], windowDays: null };

/** What is left unsaid is kept. */
export function wholePolicy(said: Partial<MirrorPolicy> = {}): MirrorPolicy {
  return { ...MIRROR_EVERYTHING, ...said };
}

export function excludedLabels({ exclude }: MirrorPolicy): string[] {
  return exclude.map((name) => LABEL_OF[name]);
}
