import { GoogleError } from '@syncline/google';
import { phaseOf, type Cursor } from './cursor.js';
import type { Step, StepContext } from './step.js';

/** The cursor that a commit's result has led to, if the commit has not written it. */
export function unwrittenAfter({ commit }: Step, cursor: Cursor): Cursor | null {
  return commit && commit.cursor !== cursor ? cursor : null;
}

/**
 * Where a commit's result has led is written with the next page. If that page fails it is written
 * alone: otherwise each run would repeat the step, and each commit of it would end the count of
 * failures.
 */
export async function writeCursor(
  context: StepContext,
  cursor: Cursor,
  error: unknown,
): Promise<void> {
  if (!(error instanceof GoogleError)) return;
  await context.store.commitPage(context.lease, {
    cursor,
    phase: phaseOf(cursor),
    generation: context.generation,
    delta: { kind: 'none' },
  });
}
