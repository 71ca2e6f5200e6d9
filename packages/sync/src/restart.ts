import { GoogleError } from '@syncline/google';
import { isPositionUnusable } from './failing-position.js';
import { outcomeOfError } from './finish-run.js';
import type { Position } from './position.js';
import type { StepContext } from './step.js';

/**
 * Returns what replaces a listing or a position that Google does not accept; null when the error
 * ends the run.
 */
export async function adviceFor(
  context: StepContext,
  position: Position,
  error: unknown,
): Promise<'full-sync-again' | 'list-again' | null> {
  if (!(error instanceof GoogleError)) return null;
  const { kind } = outcomeOfError(context.rt, context.lease, position, error);
  if (kind === 'full-sync-again' || kind === 'list-again') return kind;
  return (await isPositionUnusable(context, position, error)) ? 'full-sync-again' : null;
}
