import { createHash } from 'node:crypto';

/** The reason why statements are no longer prepared under names. */
export type NamesRefused = 'pooler' | '26000' | '42P05' | '08P01';

/**
 * Error codes of Postgres and poolers when a prepared statement does not exist on the server
 * connection of the statement, or already exists: invalid_sql_statement_name,
 * duplicate_prepared_statement, protocol_violation
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html).
 */
const NAME_REFUSALS: readonly NamesRefused[] = ['26000', '42P05', '08P01'];
/** PgBouncer uses the last code for all of its own errors, such as "server conn crashed?". */
const OF_A_STATEMENT = /prepared statement|bind message/;

/** The number of fixed statements is finite; that of statements composed from data may not be. */
const MAX_REMEMBERED_NAMES = 2_000;
/** Postgres truncates longer names. */
const NAME_LIMIT = 63;
const HASH_LENGTH = 32;

/**
 * Decides whether a pool's statements are prepared under names, and assigns the names. A name
 * contains a hash of the text, so that two clients on one server connection never use one name for
 * different texts.
 */
export class PreparedStatements {
  #areUsed = true;
  /** Names by text. */
  readonly #names = new Map<string, string>();
  /**
   * The last text of each label. Most texts are created again for each call, and comparing them is
   * cheaper than hashing.
   */
  readonly #lastOf = new Map<string, { text: string; name: string }>();
  readonly #onRefused: (reason: NamesRefused) => void;

  /** @param onRefused called once, when names are no longer used */
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

  /** From this call on, all statements of the process are unnamed. */
  disable(reason: NamesRefused): void {
    if (!this.#areUsed) return;
    this.#areUsed = false;
    this.#names.clear();
    this.#lastOf.clear();
    this.#onRefused(reason);
  }

  /**
   * Runs `work`, which must only execute SQL that is rolled back when it fails. When one of its
   * names was refused, `work` runs once more without names.
   */
  async repeatUnnamed<T>(work: () => Promise<T>): Promise<T> {
    const mayBeNamed = this.#areUsed;
    try {
      return await work();
    } catch (error) {
      const refusal = nameRefusalOf(error);
      if (!mayBeNamed || refusal === null) throw error;
      this.disable(refusal);
      return await work();
    }
  }
}

function nameFor(label: string, text: string): string {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
  return `${label.slice(0, NAME_LIMIT - HASH_LENGTH - 1)}_${hash}`;
}

/** Returns null when the error does not concern the name of a statement. */
export function nameRefusalOf(error: unknown): NamesRefused | null {
  if (!(error instanceof Error)) return null;
  const { code, message } = error as Error & { code?: unknown };
  if (code === '08P01' && !OF_A_STATEMENT.test(message)) return null;
  return NAME_REFUSALS.find((refusal) => refusal === code) ?? null;
}
