/** Lists the rows of an account, then follows its changes: one iteration without a gap. */
import { LISTS, type Entity, type Listing, type Rows } from './entities.js';
import type { AccountFeed } from './feed.js';
import type { FeedEvent } from './feed-position.js';
import type { Operations } from './generated/operations.js';
import { SynclineProblem } from './problem.js';

export interface BootstrapOptions<E extends Entity = Entity> {
  /**
   * What is listed and followed; default: all, and the changes of the account and its collections.
   * The key needs the scopes of their lists.
   */
  entities?: readonly E[];
  /** Content of messages, which needs `mail:content`: `text,html`. */
  include?: string;
  signal?: AbortSignal;
  /** Called before each new attempt after a failure, with its reason. */
  onReconnect?: (failure: { error: unknown; delayMs: number }) => void;
}

/** What `bootstrap` gives. */
export type MirrorItem<E extends Entity = Entity> =
  /** A list begins: what is stored of the account is forgotten. */
  | { kind: 'begin'; reason: 'first' | 'epoch-changed' | 'feed-pruned' }
  | { [K in E]: { kind: 'row'; entity: K; row: Rows[K] } }[E]
  /** Every row was given; changes come from here on, after this position. */
  | { kind: 'listed'; seq: number; epoch: number }
  /** A change; where it concerns a row that was listed after it, it repeats what the row has. */
  | { kind: 'change'; change: FeedEvent };

interface Deps {
  api: Operations;
  feed: AccountFeed;
}

export async function* bootstrap<E extends Entity>(
  deps: Deps,
  options: BootstrapOptions<E>,
): AsyncGenerator<MirrorItem<E>, void, undefined> {
  let reason: 'first' | 'epoch-changed' | 'feed-pruned' = 'first';
  for (;;) {
    yield { kind: 'begin', reason };
    try {
      const position = yield* list(deps, options);
      if (position !== null) {
        yield* changes(deps, options, position);
        return;
      }
      reason = 'epoch-changed';
    } catch (error) {
      reason = reasonToListAgain(error);
    }
  }
}

interface Position {
  seq: number;
  epoch: number;
}

/** @returns where the changes begin, or null when another epoch began meanwhile */
async function* list<E extends Entity>(
  { api, feed }: Deps,
  options: BootstrapOptions<E>,
): AsyncGenerator<MirrorItem<E>, Position | null> {
  const { include, signal } = options;
  const listing: Listing = { api, account: feed.account, include, signal };
  let first: Position | null = null;
  for (const entity of entitiesOf(options)) {
    for await (const { data, seq, epoch } of LISTS[entity](listing)) {
      first ??= { seq, epoch };
      if (epoch !== first.epoch) return null;
      for (const row of data) yield { kind: 'row', entity, row } as MirrorItem<E>;
    }
  }
  if (first === null) throw new TypeError('entities must name what to list');
  yield { kind: 'listed', ...first };
  return first;
}

async function* changes<E extends Entity>(
  { feed }: Deps,
  options: BootstrapOptions<E>,
  { seq, epoch }: Position,
): AsyncGenerator<MirrorItem<E>> {
  const { signal, onReconnect } = options;
  const entities = new Set<string>(entitiesOf(options));
  const isAll = options.entities === undefined;
  const batches = feed.batches({
    after: seq,
    epoch,
    ...(signal === undefined ? {} : { signal }),
    ...(onReconnect === undefined ? {} : { onReconnect }),
  });
  for await (const { events } of batches)
    for (const change of events)
      if (isAll || entities.has(change.entity)) yield { kind: 'change', change };
}

function entitiesOf<E extends Entity>({ entities }: BootstrapOptions<E>): E[] {
  const all = Object.keys(LISTS) as E[];
  const unknown = (entities ?? []).filter((one) => !all.includes(one));
  if (unknown.length > 0) throw new TypeError(`entities are ${all.join(', ')}`);
  return entities === undefined ? all : all.filter((one) => entities.includes(one));
}

/** @throws the error if listing again does not help */
function reasonToListAgain(error: unknown): 'epoch-changed' | 'feed-pruned' {
  if (error instanceof SynclineProblem) {
    if (error.type === 'urn:syncline:problem:epoch-changed') return 'epoch-changed';
    if (error.type === 'urn:syncline:problem:feed-pruned') return 'feed-pruned';
  }
  throw error;
}
