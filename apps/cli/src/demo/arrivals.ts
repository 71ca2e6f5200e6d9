/**
 * How changes reached the mirror and how soon, read from the workers' own metrics, as by a
 * monitoring system.
 */
import { amount, duration } from '@syncline/control/words';

export interface Arrivals {
  /** Changed rows that a notification had announced. */
  byNotification: number;
  /** Changed rows that a sync found without a notification. */
  byPoll: number;
  /** From Google's notification to the committed row; null while there is none. */
  p50Ms: number | null;
  p99Ms: number | null;
}

const TIMEOUT_MS = 1_000;

/**
 * Reads the metrics of every worker at `urls`; a worker that does not answer, because it is being
 * restarted, is left out.
 */
export async function readArrivals(urls: readonly string[]): Promise<Arrivals> {
  return arrivalsIn(await Promise.all(urls.map(pageAt)));
}

/** Sums the metrics pages of a fleet's workers. Pure. */
export function arrivalsIn(pages: readonly string[]): Arrivals {
  const samples = pages
    .flatMap((page) => page.split('\n'))
    .map((line) => /^(\w+)\{(.*)\} (\S+)$/.exec(line));
  const sum = (name: string, label: string): number =>
    samples.reduce(
      (total, sample) =>
        sample?.[1] === name && sample[2]?.split(',').includes(label)
          ? total + Number(sample[3])
          : total,
      0,
    );
  const bounds = [
    ...new Set(
      samples.flatMap((sample) =>
        sample?.[1] === LATENCY ? (/le="([^"]+)"/.exec(sample[2] ?? '')?.[1] ?? []) : [],
      ),
    ),
  ];
  const buckets = bounds
    .map((le) => ({
      upToMs: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le) * 1_000,
      count: sum(LATENCY, `le="${le}"`),
    }))
    .sort((a, b) => a.upToMs - b.upToMs);
  return {
    byNotification: sum(INCREMENTAL_CHANGES, 'via="notification"'),
    byPoll: sum(INCREMENTAL_CHANGES, 'via="poll"'),
    p50Ms: quantileMs(buckets, 0.5),
    p99Ms: quantileMs(buckets, 0.99),
  };
}

/**
 * Returns `1,204 by notification (p50 80 ms, p99 400 ms from the notification to the row), 3 by
 * poll`.
 */
export function arrivalsInWords({ byNotification, byPoll, p50Ms, p99Ms }: Arrivals): string {
  const latency =
    p50Ms === null || p99Ms === null
      ? ''
      : ` (p50 ${duration(p50Ms)}, p99 ${duration(p99Ms)} from the notification to the row)`;
  return `${amount(byNotification)} by notification${latency}, ${amount(byPoll)} by poll`;
}

const INCREMENTAL_CHANGES = 'syncline_incremental_changes_total';
const LATENCY = 'syncline_push_to_stored_seconds_bucket';

async function pageAt(url: string): Promise<string> {
  try {
    return await (await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })).text();
  } catch {
    return '';
  }
}

/**
 * Interpolates linearly within a bucket, as Prometheus does; a value beyond the last bound counts
 * as that bound.
 * @param buckets cumulative
 */
function quantileMs(
  buckets: readonly { upToMs: number; count: number }[],
  share: number,
): number | null {
  const rank = (buckets.at(-1)?.count ?? 0) * share;
  const at = buckets.findIndex(({ count }) => count > 0 && count >= rank);
  const bucket = buckets[at];
  if (bucket === undefined) return null;
  const { upToMs: fromMs, count: before } = buckets[at - 1] ?? { upToMs: 0, count: 0 };
  return bucket.upToMs === Number.POSITIVE_INFINITY
    ? fromMs
    : fromMs + ((bucket.upToMs - fromMs) * (rank - before)) / (bucket.count - before);
}
