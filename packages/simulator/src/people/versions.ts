/**
 * A list of resources whose changes are numbered. A sync token is such a number, and an incremental
 * list returns what changed since. Earlier versions are kept for as long as changes need to reach
 * the lists.
 */

/** `absorbed`: the entry is gone without a tombstone; another entry names it as a former name. */
export type Fate = 'live' | 'deleted' | 'absorbed';

export interface Version<Body> {
  /** The resource name. */
  readonly id: string;
  readonly revision: number;
  readonly atMs: number;
  readonly fate: Fate;
  readonly body: Body;
}

export class VersionedList<Body> {
  /** Sync tokens of an earlier generation are expired. */
  generation = 0;
  private revision = 0;
  /** By resource name, oldest version first. */
  private readonly entries = new Map<string, Version<Body>[]>();

  /** @param keptMs how long a version is visible to somebody after the next one was made */
  constructor(private readonly keptMs: number) {}

  put(id: string, body: Body, nowMs: number, fate: Fate = 'live'): Version<Body> {
    this.revision += 1;
    const version = { id, revision: this.revision, atMs: nowMs, fate, body };
    const before = this.entries.get(id) ?? [];
    const firstVisible = before.findLastIndex(({ atMs }) => atMs <= nowMs - this.keptMs);
    const kept = this.keptMs === 0 ? [] : before.slice(Math.max(0, firstVisible));
    this.entries.set(id, [...kept, version]);
    return version;
  }

  /** Returns the latest version, also of an entry that is gone. */
  get(id: string): Version<Body> | null {
    return this.entries.get(id)?.at(-1) ?? null;
  }

  /** Returns the entries that exist now, in order of creation. */
  current(): Version<Body>[] {
    return [...this.entries.values()]
      .flatMap((versions) => versions.slice(-1))
      .filter(({ fate }) => fate === 'live');
  }

  /** Returns each entry's version of that time, entries that are gone included. */
  at(timeMs: number): Version<Body>[] {
    return [...this.entries.values()].flatMap((versions) => {
      const version = versions.findLast(({ atMs }) => atMs <= timeMs);
      return version === undefined ? [] : [version];
    });
  }

  /** Returns the number of the latest change of that time. */
  revisionAt(timeMs: number): number {
    return this.at(timeMs).reduce((latest, { revision }) => Math.max(latest, revision), 0);
  }

  expireSyncTokens(): void {
    this.generation += 1;
  }
}
