const SPACING_MS = 30_000;
const KEY_LIMIT = 50;

/** Which of many repeated messages are written: the first of a kind, then one in 30 s with the number of those between. Bounded in kinds. */
export class RepeatLimit {
  readonly #seen = new Map<string, { writtenAtMs: number; suppressed: number }>();

  /** @returns how many of this kind were left out since the last one that was written; null to leave this one out too */
  admit(kind: string, nowMs: number): number | null {
    const seen = this.#seen.get(kind);
    const ageMs = seen === undefined ? SPACING_MS : nowMs - seen.writtenAtMs;
    // A negative age is that of a clock that was set back.
    if (seen !== undefined && ageMs >= 0 && ageMs < SPACING_MS) {
      seen.suppressed += 1;
      return null;
    }
    // Many kinds must not become a leak. A kind that is forgotten is written once more.
    if (this.#seen.size >= KEY_LIMIT) this.#seen.clear();
    this.#seen.set(kind, { writtenAtMs: nowMs, suppressed: 0 });
    return seen?.suppressed ?? 0;
  }
}
