/** Google's quota day ends at midnight Pacific time, wherever the fleet runs. */
const HOUR_MS = 3_600_000;
const PACIFIC = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/Los_Angeles',
  dateStyle: 'short',
  timeStyle: 'medium',
  hourCycle: 'h23',
});

/** `2026-11-21` and the time until that day ends there; on the two days that change the clock the end is an hour off. */
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
