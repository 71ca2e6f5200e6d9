/** How fresh the rows of an answer are, and what a request may ask of it. */
import { z } from 'zod';
import { listOf, time, wait, waitMs } from './parameters.js';

/** How long a read waits for fresh rows unless it says so. */
const DEFAULT_FRESH_WAIT_MS = 10_000;

/** Why rows are not as fresh as was asked for. */
const STALE_REASONS = [
  'reauth_required',
  'paused',
  'disabled',
  'removing',
  'not-mirrored',
  'parked',
  'failing',
  'full-sync',
  'wait-over',
] as const;

/** How fresh the rows of a list are. */
export const freshness = z
  .object({
    asOf: time.nullable().meta({
      description:
        'The mirror has what Google had at this time. Null before the first sync has ended.',
    }),
    lagMs: z.int().nullable().meta({ description: 'The age of `asOf`.' }),
    phase: z.enum(['pending', 'full', 'incremental']),
    complete: z.boolean().meta({
      description:
        'False while the first sync, or an extension of the mirrored time range, has not ended.',
    }),
    fresh: z.boolean().nullable().meta({
      description: 'Whether it is as fresh as `freshWithin` asks for; null without it.',
    }),
    why: z.enum(STALE_REASONS).nullable().meta({
      description:
        'Why it is not: the state of the account; not mirrored, or parked; `failing`: the next try is later; `full-sync`: not done in time; `wait-over`.',
    }),
  })
  .meta({ id: 'Freshness' });

/** The body of a list of an account's rows. */
export function accountListOf<Item extends z.ZodType>(item: Item) {
  return listOf(item).extend({
    seq: z.int().meta({
      description:
        'The position in the change feed: the rows, with the events after the `seq` of the first page, are the mirror.',
    }),
    epoch: z.int().meta({ description: 'The epoch of `seq`.' }),
    freshness,
  });
}

/** The query of every read of an account's rows. */
export const freshRead = {
  freshWithin: z
    .string()
    .regex(
      /^(?:(?:\d|[1-9]\d|[1-5]\d\d|600)s|(?:\d|10)m)$/,
      'must be a time from 0s to 600s, or from 0m to 10m',
    )
    .optional()
    .meta({
      description:
        'Rows that are older than that are synced first. The syncs of several readers are one.',
      examples: ['5s'],
    }),
  wait: wait.wait.meta({ description: 'With `freshWithin`: wait for so long; default 10s.' }),
  onStale: z.enum(['answer', 'fail']).default('answer').meta({
    description:
      'With `freshWithin`: what happens when the rows are not fresh in time: the answer has `fresh: false`, or it is the problem `not-fresh-enough`.',
  }),
};

/** What a read asks of the freshness; null: nothing. */
export function askedFreshness({
  freshWithin,
  wait: given,
}: {
  freshWithin?: string | undefined;
  wait?: string | undefined;
}): { withinMs: number; waitMs: number } | null {
  if (freshWithin === undefined) return null;
  const unitMs = freshWithin.endsWith('m') ? 60_000 : 1_000;
  return {
    withinMs: Number.parseInt(freshWithin, 10) * unitMs,
    waitMs: given === undefined ? DEFAULT_FRESH_WAIT_MS : waitMs(given),
  };
}

/** The freshness of one object. */
export const FRESHNESS_HEADER = {
  'Syncline-Freshness': 'How fresh the object is: a `Freshness` as JSON.',
};
