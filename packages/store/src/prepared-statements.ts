import { createHash } from 'node:crypto';

/** Why statements are no longer prepared under names. */
export type NamesRefused = 'pooler' | '26000' | '42P05' | '08P01';

/**
 * What Postgres and poolers answer when a prepared statement is not on the server connection that a statement reached, or is there already:
 * invalid_sql_statement_name, duplicate_prepared_statement, protocol_violation (https://www.postgresql.org/docs/current/errcodes-appendix.html).
 */
const NAME_REFUSALS: readonly NamesRefused[] = ['26000', '42P05', '08P01'];
/** PgBouncer has the last code for everything that it says itself, such as "server conn crashed?". */
const OF_A_STATEMENT = /prepared statement|bind message/;

/** Statements are finite; what is composed from data may not be. */
const MAX_REMEMBERED_NAMES = 2_000;
/** Postgres cuts longer names. */
const NAME_LIMIT = 63;
const HASH_LENGTH = 32;

/**
 * Whether a pool's statements are prepared under names, and the names. A name contains a hash of the text: two clients behind one server connection never
 * mean different texts by one name.
 */
export class PreparedStatements {
  #areUsed = true;
  /** By text. */
  readonly #names = new Map<string, string>();
  /** The last text of each label: most texts are made anew for each call, and comparing costs less than hashing. */
  readonly #lastOf = new Map<string, { text: string; name: string }>();
  readonly #onRefused: (reason: NamesRefused) => void;

  /** @param onRefused called once, when names are given up */
  constructor(onRefused: (reason: NamesRefused) => void) {
    this.#onRefused = onRefused;
  }

  get areUsed(): boolean {
    return this.#areUsed;
  }

  nameOf(label: string, text: string): string {
    const last = this.#lastOf.get(label);
    if (last?.text === text) return last.name;
    const name = this.#names.get(text) ?? nameFor(label, text);
    for (const remembered of [this.#names, this.#lastOf])
      if (remembered.size >= MAX_REMEMBERED_NAMES) remembered.clear();
    this.#names.set(text, name);
    this.#lastOf.set(label, { text, name });
    return name;
  }

  /** From here on every statement is unnamed, for as long as the process lives. */
  giveUp(reason: NamesRefused): void {
    if (!this.#areUsed) return;
    this.#areUsed = false;
    this.#names.clear();
    this.#lastOf.clear();
    this.#onRefused(reason);
  }

  /**
   * Runs `work`, which does nothing but SQL that is rolled back when it fails. When a name of it was refused, names are given up and it runs once more.
   */
  async repeatUnnamed<T>(work: () => Promise<T>): Promise<T> {
    const mayBeNamed = this.#areUsed;
    try {
      return await work();
    } catch (error) {
      const refusal = nameRefusalOf(error);
      if (!mayBeNamed || refusal === null) throw error;
      this.giveUp(refusal);
      return await work();
    }
  }
}

function nameFor(label: string, text: string): string {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
  return `${label.slice(0, NAME_LIMIT - HASH_LENGTH - 1)}_${hash}`;
}

/** Null when the error says nothing about the name of a statement. */
export function nameRefusalOf(error: unknown): NamesRefused | null {
  if (!(error instanceof Error)) return null;
  const { code, message } = error as Error & { code?: unknown };
  if (code === '08P01' && !OF_A_STATEMENT.test(message)) return null;
  return NAME_REFUSALS.find((refusal) => refusal === code) ?? null;
}
