/**
 * Ratios of paired measurements: what one number a figure says about two revisions that ran in
 * turns.
 */

/**
 * The interval is the one of Wilcoxon's signed-rank test over the logarithms of the ratios: of all
 * averages of two ratios, the k-th from either end. It needs no normal distribution, only that a
 * ratio is as likely to be measured too large as too small.
 * @param ratios at least one positive number
 * @returns the median, and the interval that holds the true ratio in at least 95 % of experiments;
 * below 6 pairs that is not to be had, and the interval is everything that was seen
 */
export function medianRatio(ratios) {
  if (ratios.length === 0 || ratios.some((ratio) => !(ratio > 0)))
    throw new Error('ratios are positive numbers, and there is at least one');
  const logs = ratios.map(Math.log);
  const averages = logs
    .flatMap((a, i) => logs.slice(i).map((b) => (a + b) / 2))
    .sort((a, b) => a - b);
  const k = signedRankIndex(ratios.length);
  return {
    median: Math.exp(middle(logs)),
    low: Math.exp(averages[k]),
    high: Math.exp(averages.at(-1 - k)),
  };
}

/**
 * How many averages lie outside at either end: the largest number whose both tails together are at
 * most 5 % likely.
 */
function signedRankIndex(n) {
  const counts = rankSums(n);
  const limit = 0.025 * 2 ** n;
  let index = 0;
  for (let tail = counts[0]; tail <= limit; tail += counts[index]) index += 1;
  return Math.max(0, index - 1);
}

/** In how many of the 2^n choices of signs the positive ranks 1..n sum to each number. */
function rankSums(n) {
  const counts = Array.from({ length: (n * (n + 1)) / 2 + 1 }, () => 0);
  counts[0] = 1;
  for (let rank = 1; rank <= n; rank++)
    for (let sum = counts.length - 1; sum >= rank; sum--) counts[sum] += counts[sum - rank];
  return counts;
}

function middle(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
