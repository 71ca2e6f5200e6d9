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

/** Colons and semicolons within quotes are not separators. */
export function readLine(text: string): RecurrenceLine {
  const marks = [...text.matchAll(/"[^"]*"|[:;]/g)];
  const colon = marks.findIndex(([mark]) => mark === ':');
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
