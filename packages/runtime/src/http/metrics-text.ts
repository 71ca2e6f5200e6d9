import type { Runtime } from '../runtime.js';

/**
 * Returns the text of `/metrics`. It is created at most once per `everyMs` and shared by all
 * requests in that time.
 * @param measured sets the gauges whose values are not counted in this process
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
    // An age is negative only when the clock was set back.
    const isFresh = isComputing || (ageMs >= 0 && ageMs < everyMs);
    return text !== null && isFresh ? text : (text = compute());
  };
}
