import { decodeText, decodeUndeclared } from './charset.js';
import { decodeWords } from './words.js';

/** A header as Gmail returns it: the name as spelled, the value unfolded. */
export interface Header {
  name: string;
  value: string;
}

/** The headers and the start of the body. */
export interface HeaderBlock {
  headers: Header[];
  bodyAt: number;
}

/**
 * Parses headers up to the empty line. A line that cannot be a header ends the block and belongs to
 * the body, as in real receivers' parsers: losing text is worse than showing a broken header. A
 * leading mbox `From ` line is skipped, and so is a byte order mark, which editors leave and which
 * would make the first header invalid.
 */
export function readHeaders(bytes: Buffer): HeaderBlock {
  const block = blockText(bytes);
  const lineEnd = block.includes('\n') || !block.includes('\r') ? '\n' : '\r';
  const fields: Field[] = [];
  const from = block.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  let at = from;
  for (const whole of block.slice(from).split(lineEnd)) {
    const line = whole.endsWith('\r') ? whole.slice(0, -1) : whole;
    if (line === '')
      return { headers: headersOf(fields), bodyAt: Math.min(bytes.length, at + whole.length + 1) };
    if (!takeLine(fields, line, at === from)) return { headers: headersOf(fields), bodyAt: at };
    at += whole.length + 1;
  }
  return { headers: headersOf(fields), bodyAt: bytes.length };
}

/**
 * A header whose lines are not joined yet: joining them one by one would copy a value of a megabyte
 * for each line.
 */
interface Field {
  name: string;
  lines: string[];
}

function headersOf(fields: readonly Field[]): Header[] {
  return fields.map(({ name, lines }) => ({ name, value: unfolded(lines) }));
}

/** A folded line of white space adds nothing, and neither does white space before the next line. */
function unfolded(lines: readonly string[]): string {
  if (lines.length === 1) return lines[0] ?? '';
  const kept = lines.map((line) => line.trimEnd()).filter((line, n) => n === 0 || line !== '');
  return kept.join('');
}

/** The byte order mark of UTF-8, one character per byte. */
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

/** Returns the first header of that name (in any case), or null. */
export function headerValue(headers: readonly Header[], name: string): string | null {
  const asked = name.toLowerCase();
  return (
    headers.find(
      (header) => header.name.length === asked.length && header.name.toLowerCase() === asked,
    )?.value ?? null
  );
}

/**
 * A parsed header such as `text/plain; charset="x"`: its value in lower case and its parameters
 * (RFC 2231 and encoded words decoded).
 */
export interface Parametrised {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
}

export function readParameters(text: string): Parametrised {
  const known = parametrised.get(text);
  if (known !== undefined) return known;
  const read = parseParameters(text);
  // Only short values are cached: most parts have one of a few, while boundaries differ in every
  // message and would only fill the cache.
  if (text.length <= 60 && parametrised.size < PARAMETRISED_KEPT) parametrised.set(text, read);
  return read;
}

const parametrised = new Map<string, Parametrised>();
const PARAMETRISED_KEPT = 2_000;

function parseParameters(text: string): Parametrised {
  const semicolon = text.indexOf(';');
  const value = (semicolon < 0 ? text : text.slice(0, semicolon))
    .replace(/\([^()]*\)/g, '')
    .trim()
    .toLowerCase();
  const raw = new Map<string, string>();
  if (semicolon >= 0) {
    for (const match of text.slice(semicolon).matchAll(PARAMETER)) {
      const name = (match[1] ?? '').toLowerCase();
      if (!raw.has(name))
        raw.set(
          name,
          match[2] === undefined ? (match[3] ?? '').trim() : match[2].replace(/\\(.)/g, '$1'),
        );
    }
  }
  return { value, parameters: joinContinuations(raw) };
}

const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))/gs;

/**
 * Returns the bytes that may contain the headers, one character per byte: up to and with the first
 * empty line, or all.
 */
function blockText(bytes: Buffer): string {
  const ends = [bytes.indexOf('\n\r\n'), bytes.indexOf('\n\n')].filter((at) => at >= 0);
  return bytes.toString('latin1', 0, ends.length === 0 ? bytes.length : Math.min(...ends) + 3);
}

/** The first line may be indented, as in text that was copied from elsewhere. */
function takeLine(fields: Field[], line: string, first: boolean): boolean {
  const last = fields.at(-1);
  if ((line.startsWith(' ') || line.startsWith('\t')) && last !== undefined) {
    last.lines.push(headerText(line));
    return true;
  }
  const field = first ? line.trimStart() : line;
  const colon = field.indexOf(':');
  const name = colon < 0 ? '' : field.slice(0, colon).trimEnd();
  if (!/^[\x21-\x39\x3b-\x7e]+$/.test(name)) return first && /^>?From /.test(line);
  fields.push({ name, lines: [headerText(field.slice(colon + 1)).trim()] });
  return true;
}

/**
 * Characters above ASCII are bytes that the sender failed to encode; single carriage returns are
 * incomplete line ends.
 */
function headerText(latin1: string): string {
  const text = /[\x80-\xff]/.test(latin1)
    ? decodeUndeclared(Buffer.from(latin1, 'latin1'))
    : latin1;
  return text.includes('\r') ? text.replaceAll('\r', '') : text;
}

/**
 * RFC 2231: `name*0`, `name*1` … are pieces of one value; a trailing `*` means
 * charset'language'percent-encoded.
 */
function joinContinuations(raw: Map<string, string>): Map<string, string> {
  const joined = new Map<string, string>();
  for (const [key, value] of raw) {
    const star = key.indexOf('*');
    if (star < 0) {
      if (!joined.has(key)) joined.set(key, decodeWords(value));
      continue;
    }
    const name = key.slice(0, star);
    if (key.slice(star) === '*') joined.set(name, decodeExtended([[value, true]]));
    else if (/^\*0\*?$/.test(key.slice(star)))
      joined.set(name, decodeExtended(piecesOf(raw, name)));
  }
  return joined;
}

function piecesOf(raw: Map<string, string>, name: string): [string, boolean][] {
  const pieces: [string, boolean][] = [];
  for (let n = 0; n < raw.size; n++) {
    const encoded = raw.get(`${name}*${n}*`);
    const piece = encoded ?? raw.get(`${name}*${n}`);
    if (piece === undefined) break;
    pieces.push([piece, encoded !== undefined]);
  }
  return pieces;
}

function decodeExtended(pieces: [string, boolean][]): string {
  let charset: string | null = null;
  const bytes = pieces.map(([piece, encoded], index) => {
    if (!encoded) return Buffer.from(piece);
    const tagged = index === 0 ? /^([^']*)'[^']*'(.*)$/s.exec(piece) : null;
    charset = tagged?.[1] ?? charset;
    return percentBytes(tagged?.[2] ?? piece);
  });
  return decodeText(Buffer.concat(bytes), charset);
}

function percentBytes(text: string): Buffer {
  return Buffer.from(
    text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    'latin1',
  );
}
