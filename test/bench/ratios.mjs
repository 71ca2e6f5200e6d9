/** Ratios of paired measurements: one number for a figure of two revisions that ran alternately. */

/**
 * Returns the median ratio and its interval, from Wilcoxon's signed-rank test over the logarithms
 * of the ratios: of all averages of two ratios, the k-th from either end. It requires no normal
 * distribution, only that a ratio is as likely to be measured too large as too small.
 * @param ratios at least one positive number
 * @returns the median, and the interval that holds the true ratio in at least 95 % of experiments;
 * below 6 pairs such an interval does not exist, and all measured values are returned
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
 * Returns how many averages are outside at either end: the largest number whose two tails together
 * have a probability of at most 5 %.
 */
function signedRankIndex(n) {
  const counts = rankSums(n);
  const limit = 0.025 * 2 ** n;
  let index = 0;
  for (let tail = counts[0]; tail <= limit; tail += counts[index]) index += 1;
  return Math.max(0, index - 1);
}

/** Returns in how many of the 2^n choices of signs the positive ranks 1..n sum to each number. */
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
