/** Google's quota day ends at midnight Pacific time, in whatever zone the fleet runs. */
const HOUR_MS = 3_600_000;
const PACIFIC = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/Los_Angeles',
  dateStyle: 'short',
  timeStyle: 'medium',
  hourCycle: 'h23',
});

/**
 * Returns the Pacific day, such as `2026-11-21`, and the time until it ends. On the two days on
 * which the clocks change the end is off by an hour.
 */
export function pacificDay(nowMs: number): { day: string; endsInMs: number } {
  const parts = Object.fromEntries(
    PACIFIC.formatToParts(nowMs).map(({ type, value }) => [type, value]),
  );
  const sinceMidnightMs =
    (Number(parts.hour) * 60 + Number(parts.minute)) * 60_000 + Number(parts.second) * 1_000;
  return {
    day: `${parts.year}-${parts.month}-${parts.day}`,
    endsInMs: 24 * HOUR_MS - sinceMidnightMs,
  };
}
