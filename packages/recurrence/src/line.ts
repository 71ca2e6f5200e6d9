/**
 * A parsed recurrence line, such as `EXDATE;TZID="W. Europe Standard Time":20260304T090000` (RFC
 * 5545, 3.1).
 */
export interface RecurrenceLine {
  /** In upper case; empty when the text is not such a line. */
  name: string;
  /** By name in upper case; values without quotes. */
  parameters: ReadonlyMap<string, string>;
  value: string;
  /** The line as Google sent it. */
  text: string;
}

/** What dates, periods and rules look like to their end: none of them has a colon. */
const VALUE = /^\s*(?:\d{8}[\dTZPWDHMS/,+\s-]*|[A-Z-]+=[^:]*)$/i;

/**
 * Colons and semicolons within quotes are not separators. A parameter with a colon is written without
 * quotes all the same, as in `TZID=(UTC+01:00) Amsterdam`: where a value follows the last colon, that
 * one separates.
 */
export function readLine(text: string): RecurrenceLine {
  const marks = [...text.matchAll(/"[^"]*"|[:;]/g)];
  const last = marks.findLastIndex(([mark]) => mark === ':');
  const isValue = VALUE.test(text.slice((marks[last]?.index ?? text.length) + 1));
  const colon = isValue ? last : marks.findIndex(([mark]) => mark === ':');
  const end = marks[colon]?.index ?? text.length;
  const semicolons = marks.slice(0, Math.max(0, colon)).filter(([mark]) => mark === ';');
  const pieces = [0, ...semicolons.map(({ index }) => index + 1)].map((from, n) =>
    text.slice(from, semicolons[n]?.index ?? end),
  );
  const [name = '', ...rest] = pieces;
  return {
    name: colon < 0 ? '' : name.trim().toUpperCase(),
    parameters: new Map(
      rest.map((piece) => {
        const equals = piece.indexOf('=');
        const value = piece.slice(equals + 1).replaceAll('"', '');
        return [piece.slice(0, Math.max(0, equals)).trim().toUpperCase(), value.trim()];
      }),
    ),
    value: text.slice(end + 1),
    text,
  };
}
