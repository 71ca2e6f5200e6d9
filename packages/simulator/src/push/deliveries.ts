/**
 * Posts to those who asked to be told. One controller and one timer for each post, both let go when it ends: with `AbortSignal.timeout` and `any` the whole
 * request stayed in memory until its time would have been up, 30 kB a notification, and the collections of that were pauses of half a second.
 */
export class Deliveries {
  private readonly underWay = new Set<AbortController>();
  private stopped = false;

  get isStopped(): boolean {
    return this.stopped;
  }

  /** The status of the answer, whose body is read and dropped; null when nobody is there, when it takes longer than `timeoutMs`, or after `stop`. Redirects aren't followed. */
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

  /** Ends the posts that are under way, and every later one at once. */
  stop(): void {
    this.stopped = true;
    for (const controller of this.underWay) controller.abort();
  }
}
