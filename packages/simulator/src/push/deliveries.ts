/**
 * Posts notifications. Each post has a controller and a timer of its own, and both are released
 * when it ends. With `AbortSignal.timeout` and `any` the whole request stayed in memory until its
 * timeout, 30 kB per notification, and collecting that garbage caused pauses of half a second.
 */
export class Deliveries {
  private readonly underWay = new Set<AbortController>();
  private stopped = false;

  get isStopped(): boolean {
    return this.stopped;
  }

  /**
   * Returns the status of the answer, whose body is read and discarded; null when the address is
   * unreachable, after `timeoutMs`, or after `stop`. Redirects are not followed.
   */
  async post(
    url: string,
    headers: Record<string, string>,
    body: string | null,
    timeoutMs: number,
  ): Promise<number | null> {
    if (this.stopped) return null;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      controller.abort();
    }, timeoutMs).unref();
    this.underWay.add(controller);
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers,
        body,
        redirect: 'manual',
        signal: controller.signal,
      });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
      this.underWay.delete(controller);
    }
  }

  /** Aborts the posts in flight, and every later one at once. */
  stop(): void {
    this.stopped = true;
    for (const controller of this.underWay) controller.abort();
  }
}
