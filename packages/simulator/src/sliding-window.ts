/**
 * The exact number of units in the last sixty seconds: every charge is stored until it is sixty
 * seconds old.
 */
const WINDOW_MS = 60_000;

export class SlidingWindow {
  private times: number[] = [];
  private units: number[] = [];
  private head = 0;
  private total = 0;

  /** Returns the units charged in (nowMs − 60 s, nowMs]. */
  sum(nowMs: number): number {
    while (
      this.head < this.times.length &&
      (this.times[this.head] as number) <= nowMs - WINDOW_MS
    ) {
      this.total -= this.units[this.head] as number;
      this.head += 1;
    }
    if (this.head > 1_024 && this.head * 2 > this.times.length) {
      this.times = this.times.slice(this.head);
      this.units = this.units.slice(this.head);
      this.head = 0;
    }
    return this.total;
  }

  charge(nowMs: number, units: number): void {
    this.sum(nowMs);
    const last = this.times.length - 1;
    if (last >= this.head && this.times[last] === nowMs)
      this.units[last] = (this.units[last] as number) + units;
    else {
      this.times.push(nowMs);
      this.units.push(units);
    }
    this.total += units;
  }

  /**
   * Returns the milliseconds until `units` more fit under `limit`: 0 when they fit now, a whole
   * window when they never will.
   */
  roomInMs(nowMs: number, units: number, limit: number): number {
    let over = this.sum(nowMs) + units - limit;
    if (over <= 0) return 0;
    for (let at = this.head; at < this.times.length; at++) {
      over -= this.units[at] as number;
      if (over <= 0) return (this.times[at] as number) + WINDOW_MS - nowMs;
    }
    return WINDOW_MS;
  }
}
