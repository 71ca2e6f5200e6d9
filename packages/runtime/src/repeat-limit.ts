const SPACING_MS = 30_000;
const KEY_LIMIT = 50;

/**
 * Selects which of many repeated messages are written: the first of a kind, then one in 30 s with
 * the number of messages in between. The number of kinds is bounded.
 */
export class RepeatLimit {
  readonly #seen = new Map<string, { writtenAtMs: number; suppressed: number }>();

  /**
   * @returns the number of messages of this kind that were omitted since the last written one; null
   * to omit this one too
   */
  admit(kind: string, nowMs: number): number | null {
    const seen = this.#seen.get(kind);
    const ageMs = seen === undefined ? SPACING_MS : nowMs - seen.writtenAtMs;
    // An age is negative only when the clock was set back.
    if (seen !== undefined && ageMs >= 0 && ageMs < SPACING_MS) {
      seen.suppressed += 1;
      return null;
    }
    // The bound prevents a memory leak. A message of a removed kind is written once more.
    if (this.#seen.size >= KEY_LIMIT) this.#seen.clear();
    this.#seen.set(kind, { writtenAtMs: nowMs, suppressed: 0 });
    return seen?.suppressed ?? 0;
  }
}
