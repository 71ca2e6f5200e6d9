import type { Runtime } from '../runtime.js';

/**
 * The text of `/metrics`: computed at most once in `everyMs`, and shared by all requests meanwhile.
 * @param measured fills in the gauges whose values are not counted in this process
 */
export function metricsText(
  { clock, metrics: { registry } }: Runtime,
  everyMs: number,
  measured: () => Promise<void> = () => Promise.resolve(),
): () => Promise<string> {
  let text: Promise<string> | null = null;
  let isComputing = false;
  let computedAtMs = 0;
  const compute = async (): Promise<string> => {
    isComputing = true;
    computedAtMs = clock.nowMs();
    try {
      await measured();
      return await registry.metrics();
    } catch (error) {
      text = null;
      throw error;
    } finally {
      isComputing = false;
    }
  };
  return () => {
    const ageMs = clock.nowMs() - computedAtMs;
    // A negative age is that of a clock that was set back.
    const isFresh = isComputing || (ageMs >= 0 && ageMs < everyMs);
    return text !== null && isFresh ? text : (text = compute());
  };
}
