import { GoogleError } from '@syncline/google';
import { isPositionDead } from './dead-position.js';
import { judge } from './finish-run.js';
import type { Position } from './position.js';
import type { StepContext } from './step.js';

/**
 * What takes the place of a listing or a position that Google does not serve; null: nothing does.
 */
export async function adviceFor(
  context: StepContext,
  position: Position,
  error: unknown,
): Promise<'full-sync-again' | 'list-again' | null> {
  if (!(error instanceof GoogleError)) return null;
  const { kind } = judge(context.rt, context.lease, position, error);
  if (kind === 'full-sync-again' || kind === 'list-again') return kind;
  return (await isPositionDead(context, position, error)) ? 'full-sync-again' : null;
}
