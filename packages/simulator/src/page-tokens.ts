import type { Prng } from './prng.js';

/**
 * Gmail's page tokens: twenty digits that identify the whole query and a position, so that the
 * token alone is enough for the next page. The data is stored here, because twenty digits cannot
 * contain a query.
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

  /**
   * Returns null for a token that was never issued, or so long ago that it was dropped. A token may
   * be used repeatedly.
   */
  find(token: string): Position | null {
    return this.positions.get(token) ?? null;
  }
}
