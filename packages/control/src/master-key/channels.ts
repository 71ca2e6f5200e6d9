import { type Pass, Stopped } from './steps.js';

/**
 * Channels are counted at most once a second, and less often if counting is slow: it takes at most
 * a tenth of the time.
 */
const COUNT_EVERY_MS = 1_000;
const COUNT_SHARE = 0.1;
/** Renewing a channel takes seconds; a failed renewal is retried within minutes. */
const STUCK_MS = 15 * 60_000;

/**
 * Waits until the workers have renewed the channels, as they do before an expiry.
 * @returns how many were renewed
 */
export async function renewChannels({ rt, rotation, rate, onProgress }: Pass): Promise<number> {
  const count = async (): Promise<{ left: number; tookMs: number }> => {
    const beganMs = rt.clock.nowMs();
    const left = await rotation.channelsLeft();
    return { left, tookMs: rt.clock.nowMs() - beganMs };
  };
  const first = await count();
  let now = first;
  let fewest = { left: first.left, atMs: rt.clock.nowMs() };
  for (;;) {
    const everyMs = Math.max(COUNT_EVERY_MS, now.tookMs / COUNT_SHARE);
    const limit = Math.ceil((rate * everyMs) / 1_000);
    const brought = await rotation.makeChannelsDue(limit);
    if (now.left === 0 && brought < limit) return first.left;
    await rt.clock.sleep(everyMs, rt.signal);
    now = await count();
    if (now.left < fewest.left) fewest = { left: now.left, atMs: rt.clock.nowMs() };
    onProgress({ step: 'channels', left: now.left });
    if (now.left > 0 && rt.clock.nowMs() - fewest.atMs > STUCK_MS)
      throw new Stopped({ kind: 'channels-stuck', left: now.left, forMs: STUCK_MS });
  }
}
