/*
 * Where a run is stopped. The engine uses its store and its Google through proxies that count the
 * calls. At the chosen call, before it is made or after it took effect, the run
 *
 * - crashes: neither this call nor any later one ever returns, as after kill -9;
 * - pauses: it waits until it is released, as after SIGSTOP; by then another worker may have
 *   claimed the lease;
 * - drains: its signal is aborted, as after SIGTERM, and it continues.
 */
export interface StopAt {
  kind: 'crash' | 'pause' | 'drain';
  /**
   * The n-th call from 1, or the first call of that name, such as `store.leases.requireReauth`.
   */
  at: number | string;
  /** `after`: the call has taken effect, and the worker has not received its result. */
  side: 'before' | 'after';
}

export class Interruption {
  /** Resolves when the run has reached its stop and none of its calls is in progress. */
  readonly met: Promise<void>;
  /** The call at which the run was stopped, for the log of a failing seed. */
  where = '';
  private readonly draining = new AbortController();
  private readonly inFlight = new Set<Promise<unknown>>();
  private readonly gate: Promise<void>;
  private open: () => void = () => undefined;
  private meet: () => void = () => undefined;
  private calls = 0;
  private stopped = false;

  constructor(private readonly stop: StopAt | null) {
    this.met = new Promise((resolve) => (this.meet = resolve));
    this.gate = new Promise((resolve) => (this.open = resolve));
  }

  get signal(): AbortSignal {
    return this.draining.signal;
  }

  /**
   * Number of pages committed after the run was released: 0 under a lease that another worker has
   * claimed.
   */
  commitsAfterRelease = 0;
  private released = false;

  /** Resumes a paused run. */
  release(): void {
    this.released = true;
    this.stopped = false;
    this.open();
  }

  guard<T extends object>(target: T, name: string): T {
    return new Proxy(target, {
      get: (_, key) => {
        const value: unknown = Reflect.get(target, key);
        const path = `${name}.${String(key)}`;
        if (typeof value === 'function')
          return (...args: unknown[]) =>
            this.call(path, () => Reflect.apply(value, target, args) as unknown);
        return value !== null && typeof value === 'object' ? this.guard(value, path) : value;
      },
    });
  }

  private call(path: string, make: () => unknown): unknown {
    if (path === 'google.account') return this.guard(make() as object, 'google');
    return path === 'google.takeSpent' ? make() : this.guarded(path, make);
  }

  private async guarded(path: string, make: () => unknown): Promise<unknown> {
    if (this.stopped) await this.gate;
    const hit = this.hits(path);
    if (hit && this.stop?.side === 'before') await this.halt(path);
    const doing = Promise.resolve(make());
    this.inFlight.add(doing);
    try {
      const result = await doing;
      if (this.released && path === 'store.leases.commitPage') this.commitsAfterRelease++;
      return result;
    } finally {
      this.inFlight.delete(doing);
      if (hit && this.stop?.side === 'after') await this.halt(path);
      else if (this.stopped) await this.gate;
    }
  }

  private hits(path: string): boolean {
    if (!this.stop || this.where !== '') return false;
    this.calls++;
    return typeof this.stop.at === 'number' ? this.calls === this.stop.at : this.stop.at === path;
  }

  private async halt(path: string): Promise<void> {
    if (!this.stop || this.where !== '') return;
    this.where = path;
    if (this.stop.kind === 'drain') return this.draining.abort(new Error('the process drains'));
    this.stopped = true;
    // A prefetched page is still being requested. It is awaited, so that a seed's result does not
    // depend on timing.
    await Promise.allSettled(this.inFlight);
    this.meet();
    // A crashed run is never released: it waits here forever.
    await this.gate;
  }
}
