/**
 * What people read: tables, bars and progress. Progress goes to stderr, redrawn in place on a terminal and as a plain line
 * now and then elsewhere. `hasColors` honours NO_COLOR and TERM=dumb.
 */
import { type Clock, stderr } from '@syncline/runtime';

/** Talk: to a person, never data. */
export function say(line: string): void {
  stderr().put(`${line}\n`);
}

/** Resolves when the reader of stderr has caught up: for commands that print a line per item. */
export async function heard(): Promise<void> {
  await stderr().drained();
}

export interface Column {
  title: string;
  align?: 'right';
}

/** Rows under their titles, each column as wide as its widest cell, two spaces between. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  return tableInPieces(columns)(rows);
}

/**
 * A table that is printed piece by piece, in bounded memory: each call returns the lines of its
 * rows, the first call with the titles above them. A column is as wide as its widest cell until
 * then.
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

/** `█████░░░░░`; an unknown total is an empty bar. */
export function bar(done: number, total: number | null, width = 10): string {
  const share = shareOf(done, total);
  // Full only when all is done: a bar that looks finished and is not makes people wait for nothing they can see.
  const full = share === 1 ? width : Math.min(width - 1, Math.floor(share * width));
  return '█'.repeat(full) + '░'.repeat(width - full);
}

function shareOf(done: number, total: number | null): number {
  if (total === null) return 0;
  return total <= 0 ? 1 : Math.min(1, Math.max(0, done / total));
}

/**
 * Text that cannot move the cursor or switch colours: calendar names and Google's reasons are written by strangers.
 */
export function printable(text: string): string {
  // C0, DEL and C1, and the marks that turn the reading direction.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ');
}

export type Style = 'bold' | 'dim' | 'red' | 'green';
const CODES: Record<Style, readonly [on: number, off: number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
};

/** `text` in a style, if `stream` is a terminal that wants colours. */
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
  /** All there is to say in one line. */
  line: string;
  /** The lines of a terminal's picture; without it, `line` is drawn. */
  picture?: readonly string[];
}

export interface Progress {
  show(view: View): void;
  /** A line that stays, above the picture. */
  say(line: string): void;
  /** Leaves the last view standing. */
  end(): void;
}

/** Progress on stderr. Elsewhere than on a terminal: a line every `plainEveryMs`, if it says something new. */
export function openProgress(clock: Clock, plainEveryMs = 5_000): Progress {
  return process.stderr.isTTY ? redrawn(process.stderr) : plainLines(clock, plainEveryMs);
}

function redrawn(stream: NodeJS.WriteStream): Progress {
  let drawn: readonly string[] = [];
  const erase = (): string => (drawn.length > 0 ? `\u001b[${drawn.length}A\r\u001b[J` : '');
  const draw = (lines: readonly string[], above = ''): void => {
    // One write: a picture that is erased and drawn in two flickers.
    stderr().put(`${erase()}${above}${lines.map((line) => `${line}\n`).join('')}`);
    drawn = lines;
  };
  return {
    show: ({ line, picture }) => draw(fitting(picture ?? [line], stream)),
    say: (line) => draw(drawn, `${line}\n`),
    end: () => (drawn = []),
  };
}

/** A line that wraps, or a picture taller than the screen, could not be erased again. */
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
  let saidMs = Number.NEGATIVE_INFINITY;
  let said = '';
  let latest = '';
  const tell = (): void => {
    if (latest === said) return;
    say(latest);
    [said, saidMs] = [latest, clock.nowMs()];
  };
  return {
    show({ line }) {
      latest = line;
      if (clock.nowMs() - saidMs >= everyMs) tell();
    },
    say,
    end: tell,
  };
}

function pad(cell: string, width: number, align: 'right' | undefined): string {
  const fill = ' '.repeat(Math.max(0, width - lengthOf(cell)));
  return align === 'right' ? fill + cell : cell + fill;
}

/** Characters on the screen, near enough: code points, without the escapes of `styled`. */
function lengthOf(text: string): number {
  return Array.from(unstyled(text)).length;
}

function unstyled(text: string): string {
  return text.replace(/\u001b\[\d+m/g, '');
}
