import type { Prng } from './prng.js';

/**
 * Gmail's page tokens: twenty digits that stand for the whole query and a position, so that a follow-up page may be asked
 * with the token alone. They live here rather than in the token, as twenty digits hold no query.
 */
export class PageTokens<Position> {
  private readonly positions = new Map<string, Position>();

  constructor(
    private readonly prng: Prng,
    private readonly kept = 100_000,
  ) {}

  issue(position: Position): string {
    const token = this.prng.digits(20);
    this.positions.set(token, position);
    if (this.positions.size > this.kept) {
      const oldest = this.positions.keys().next();
      if (oldest.done !== true) this.positions.delete(oldest.value);
    }
    return token;
  }

  /** Null for a token that was never issued, or so long ago that it is forgotten. A token may be used again and again. */
  find(token: string): Position | null {
    return this.positions.get(token) ?? null;
  }
}
