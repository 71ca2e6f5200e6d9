/** Lists of an account's rows as documents (`@syncline/control/reads`). */
import type { ReadFrame, ReadPage } from '@syncline/store';
import type { FreshResult, StaleReason } from './fresh-reads.js';

/** How fresh the rows of a list are. */
export interface Freshness {
  /** The mirror had all that Google had at this time; null before the first sync has ended. */
  asOf: Date | null;
  lagMs: number | null;
  phase: ReadFrame['collections'][number]['phase'];
  /** False while the first sync, or an extension of the mirrored time range, has not ended. */
  complete: boolean;
  /** Whether it is as fresh as the reader asked for; null when it asked for nothing. */
  fresh: boolean | null;
  /** Why it is not. */
  why: StaleReason | null;
}

export interface ListDocument<Row> {
  data: Row[];
  seq: number;
  epoch: number;
  freshness: Freshness;
}

/**
 * Pure.
 * @param asked what came of the freshness that the reader asked for; null: it asked for nothing
 */
export function listDocument<Row>(
  { frame, rows }: ReadPage<Row>,
  asked: FreshResult | null = null,
): ListDocument<Row> {
  const { seq, epoch } = frame;
  return { data: rows, seq, epoch, freshness: freshnessOf(frame, asked) };
}

/** From the least advanced to the most. */
const PHASES = ['pending', 'full', 'incremental'] as const;

/** The oldest of the collections decides. Pure. */
export function freshnessOf(
  { atMs, collections }: Omit<ReadFrame, 'seq' | 'epoch'>,
  asked: Pick<FreshResult, 'isFresh' | 'why'> | null = null,
): Freshness {
  const times = collections.flatMap(({ caughtUpMs }) => caughtUpMs ?? []);
  const isMirrored = collections.length > 0 && times.length === collections.length;
  const asOfMs = isMirrored ? Math.min(...times) : null;
  return {
    asOf: asOfMs === null ? null : new Date(Math.floor(asOfMs)),
    lagMs: asOfMs === null ? null : Math.max(0, Math.ceil(atMs - asOfMs)),
    phase: PHASES.find((phase) => collections.some((one) => one.phase === phase)) ?? 'pending',
    complete: isMirrored && collections.every(({ isExtending }) => !isExtending),
    fresh: asked?.isFresh ?? null,
    why: asked?.why ?? null,
  };
}
