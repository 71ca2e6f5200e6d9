/** Bounds what a process holds in memory for answers that come from Google. */

export interface Slots {
  /**
   * Takes a slot for so many bytes, or waits for one in turn.
   * @returns what gives the slot back; null when there was none in time
   */
  take(keyId: string, bytes: number): Promise<(() => void) | null>;
}

interface SlotLimits {
  perProcess: number;
  /** A key leaves slots to the others. */
  perKey: number;
  /** Of all answers together. One that is larger is alone. */
  bytes: number;
  waitMs: number;
  /** Requests that wait. */
  waiting: number;
}

const LIMITS: SlotLimits = {
  perProcess: 8,
  perKey: 4,
  bytes: 134_217_728,
  waitMs: 5_000,
  waiting: 64,
};

interface Waiter {
  keyId: string;
  bytes: number;
  give: (release: () => void) => void;
}

export function openSlots(limits: Partial<SlotLimits> = {}): Slots {
  const all = { ...LIMITS, ...limits };
  const ofKey = new Map<string, number>();
  const waiters: Waiter[] = [];
  let [taken, bytesTaken] = [0, 0];
  const fits = ({ keyId, bytes }: Waiter): boolean =>
    taken < all.perProcess &&
    (ofKey.get(keyId) ?? 0) < all.perKey &&
    (taken === 0 || bytesTaken + bytes <= all.bytes);
  const count = ({ keyId, bytes }: Waiter, change: 1 | -1): void => {
    const left = (ofKey.get(keyId) ?? 0) + change;
    if (left === 0) ofKey.delete(keyId);
    else ofKey.set(keyId, left);
    taken += change;
    bytesTaken += change * bytes;
  };
  const giveNext = (): void => {
    // A waiter that gets its slot leaves the list.
    for (const waiter of waiters.slice()) if (fits(waiter)) waiter.give(hold(waiter));
  };
  const hold = (waiter: Waiter): (() => void) => {
    count(waiter, 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      count(waiter, -1);
      giveNext();
    };
  };
  return {
    take: (keyId, bytes) =>
      new Promise((resolve) => {
        const end = (release: (() => void) | null): void => {
          clearTimeout(late);
          const at = waiters.indexOf(waiter);
          if (at >= 0) waiters.splice(at, 1);
          resolve(release);
        };
        const waiter: Waiter = { keyId, bytes, give: end };
        const late = setTimeout(() => end(null), all.waitMs);
        if (fits(waiter)) end(hold(waiter));
        else if (waiters.length >= all.waiting) end(null);
        else waiters.push(waiter);
      }),
  };
}
