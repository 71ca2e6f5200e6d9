/** The names of a kind of collection for people. */
export interface CollectionWords {
  /** `mailbox`, `calendar team@example.com`. */
  name(externalId: string): string;
  /** The subject of a sentence about the collection, such as `it` in "it is polled". */
  subject: string;
}
