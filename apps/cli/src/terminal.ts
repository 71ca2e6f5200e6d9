/**
 * Tables, bars and progress for people. Progress goes to stderr: on a terminal it is redrawn in
 * place, elsewhere a plain line is printed at intervals. `hasColors` honours NO_COLOR and
 * TERM=dumb.
 */
import { type Clock, stderr } from '@syncline/runtime';

/** Prints a line to a person, on stderr; never data. */
export function printMessage(line: string): void {
  stderr().put(`${line}\n`);
}

/** Resolves when the reader of stderr has caught up, for commands that print a line per item. */
export async function stderrDrained(): Promise<void> {
  await stderr().drained();
}

export interface Column {
  title: string;
  align?: 'right';
}

/**
 * Returns rows under their titles; each column is as wide as its widest cell, with two spaces
 * between columns.
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  return tableInPieces(columns)(rows);
}

/**
 * Returns a table that is printed in pieces, in bounded memory: each call returns the lines of its
 * rows, the first call also the titles. A column is as wide as its widest cell so far.
 */
export function tableInPieces(
  columns: readonly Column[],
): (rows: readonly (readonly string[])[]) => string[] {
  let widths = columns.map(({ title }) => title.length);
  let titles: string[][] = [columns.map(({ title }) => title)];
  return (rows) => {
    const cells = rows.map((row) => columns.map((_, i) => printable(row[i] ?? '')));
    widths = widths.map((width, i) =>
      cells.reduce((widest, row) => Math.max(widest, lengthOf(row[i] ?? '')), width),
    );
    const lines = [...titles, ...cells].map((row) =>
      row
        .map((cell, i) => pad(cell, widths[i] ?? 0, columns[i]?.align))
        .join('  ')
        .trimEnd(),
    );
    titles = [];
    return lines;
  };
}

/** Returns `█████░░░░░`; an unknown total gives an empty bar. */
export function bar(done: number, total: number | null, width = 10): string {
  const share = shareOf(done, total);
  // Full only when all is done: a full bar would suggest that nothing is left.
  const full = share === 1 ? width : Math.min(width - 1, Math.floor(share * width));
  return '█'.repeat(full) + '░'.repeat(width - full);
}

function shareOf(done: number, total: number | null): number {
  if (total === null) return 0;
  return total <= 0 ? 1 : Math.min(1, Math.max(0, done / total));
}

/**
 * Removes control characters that could move the cursor or change colours: calendar names and
 * Google's reasons contain untrusted text.
 */
export function printable(text: string): string {
  // C0, DEL and C1, and the characters that change the reading direction.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ');
}

export type Style = 'bold' | 'dim' | 'red' | 'green';
const CODES: Record<Style, readonly [on: number, off: number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
};

/** Returns `text` in a style, if `stream` is a terminal with colours. */
export function styled(
  text: string,
  style: Style,
  stream: NodeJS.WriteStream = process.stderr,
): string {
  if (!stream.isTTY || !stream.hasColors()) return text;
  const [on, off] = CODES[style];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}

export interface View {
  /** The whole view in one line. */
  line: string;
  /** The lines of a terminal's view; without them, `line` is drawn. */
  lines?: readonly string[];
}

export interface Progress {
  show(view: View): void;
  /** Prints a permanent line above the view. */
  printMessage(line: string): void;
  /** Ends the progress and keeps the last view. */
  end(): void;
}

/**
 * Shows progress on stderr. Outside of a terminal it prints a line every `plainEveryMs`, if the
 * line has changed.
 */
export function openProgress(clock: Clock, plainEveryMs = 5_000): Progress {
  return process.stderr.isTTY ? redrawn(process.stderr) : plainLines(clock, plainEveryMs);
}

function redrawn(stream: NodeJS.WriteStream): Progress {
  let drawn: readonly string[] = [];
  const erase = (): string => (drawn.length > 0 ? `\u001b[${drawn.length}A\r\u001b[J` : '');
  const draw = (lines: readonly string[], above = ''): void => {
    // One write: erasing and drawing in two writes would flicker.
    stderr().put(`${erase()}${above}${lines.map((line) => `${line}\n`).join('')}`);
    drawn = lines;
  };
  return {
    show: ({ line, lines = [line] }) => draw(fitting(lines, stream)),
    printMessage: (line) => draw(drawn, `${line}\n`),
    end: () => (drawn = []),
  };
}

/** Shortens lines: a line that wraps, or a view taller than the screen, could not be erased. */
function fitting(lines: readonly string[], stream: NodeJS.WriteStream): string[] {
  const { columns, rows } = stream;
  const kept =
    lines.length < rows
      ? lines
      : [...lines.slice(0, rows - 2), `… and ${lines.length - rows + 2} more`];
  return kept.map((line) =>
    lengthOf(line) < columns
      ? line
      : `${Array.from(unstyled(line))
          .slice(0, columns - 2)
          .join('')}…`,
  );
}

function plainLines(clock: Clock, everyMs: number): Progress {
  let printedMs = Number.NEGATIVE_INFINITY;
  let printed = '';
  let latest = '';
  const printLatest = (): void => {
    if (latest === printed) return;
    printMessage(latest);
    [printed, printedMs] = [latest, clock.nowMs()];
  };
  return {
    show({ line }) {
      latest = line;
      if (clock.nowMs() - printedMs >= everyMs) printLatest();
    },
    printMessage,
    end: printLatest,
  };
}

function pad(cell: string, width: number, align: 'right' | undefined): string {
  const fill = ' '.repeat(Math.max(0, width - lengthOf(cell)));
  return align === 'right' ? fill + cell : cell + fill;
}

/** Returns the approximate width on the screen: code points, without the escapes of `styled`. */
function lengthOf(text: string): number {
  return Array.from(unstyled(text)).length;
}

function unstyled(text: string): string {
  return text.replace(/\u001b\[\d+m/g, '');
}
