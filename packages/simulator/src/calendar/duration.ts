const DAY_MS = 86_400_000;
const LONGEST_MS = 3_660 * DAY_MS;

/** Parses a duration such as `P1DT2H` or `-PT15M`; null for anything else. */
export function durationMs(text: string | undefined): number | null {
  const match = /^([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(
    text?.trim() ?? '',
  );
  if (match === null) return null;
  const [weeks, days, hours, minutes, seconds] = match
    .slice(2)
    .map((digits) => Number(digits ?? 0)) as [number, number, number, number, number];
  const ms = ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000;
  return (match[1] === '-' ? -1 : 1) * Math.min(ms, LONGEST_MS);
}
