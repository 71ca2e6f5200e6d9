/** What a person calls a kind of collection. */
export interface CollectionWords {
  /** `mailbox`, `calendar team@example.com`. */
  name(externalId: string): string;
  /** The subject of a sentence about it, such as `it` in "it is polled". */
  subject: string;
}
