import { GoogleError } from '@syncline/google';
import { phaseOf, type Cursor } from './cursor.js';
import type { Step, StepContext } from './step.js';

/** Returns the cursor that follows from a commit's result, if the commit has not written it. */
export function unwrittenAfter({ commit }: Step, cursor: Cursor): Cursor | null {
  return commit && commit.cursor !== cursor ? cursor : null;
}

/**
 * Writes the cursor that follows from a commit's result, after the next page has failed. Usually it
 * is written with that page. Without this, each run would repeat the step, and each of its commits
 * would reset the count of failures.
 */
export async function writeCursor(
  context: StepContext,
  cursor: Cursor,
  error: unknown,
): Promise<void> {
  if (!(error instanceof GoogleError)) return;
  await context.store.leases.commitPage(context.lease, {
    cursor,
    phase: phaseOf(cursor),
    generation: context.generation,
    delta: { kind: 'none' },
  });
}
