/**
 * Messages between processes that something can be read now. They may be lost: whoever waits for
 * them also reads after a time of its own.
 */
export interface FeedHints {
  /** Calls `changed` when the feed of an account has grown, `distributed` when the log has. */
  listen(on: { changed?: (accountId: string) => void; distributed?: () => void }): void;
}
