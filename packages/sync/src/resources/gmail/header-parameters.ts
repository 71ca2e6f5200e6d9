import { decodeText } from './charset.js';
import { decodeHeader } from './encoded-words.js';

/*
 * Parses `text/plain; charset="utf-8"` into its value and its parameters (RFC 2045, 5.1; RFC 2231),
 * once from left to right: a semicolon or a name within quotes or a comment begins no parameter.
 */

export interface HeaderParameters {
  /** The text before the first semicolon, in lower case, without comments and quotes. */
  readonly value: string;
  /** By name in lower case, decoded. If a name is repeated, the first counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Never throws. Of longer values only the beginning is read. */
export function readParameters(header: string): HeaderParameters {
  const known = read.get(header);
  if (known !== undefined) return known;
  const [value = '', ...pieces] = splitAt(header.slice(0, MAX_LENGTH));
  const parameters = decoded(new Map(pieces.flatMap(nameAndValue).toReversed()));
  const found = { value: firstWord(bare(value)), parameters };
  if (header.length <= KEPT_LENGTH) {
    if (read.size >= KEPT) read.clear();
    read.set(header, found);
  }
  return found;
}

/** A cache: most parts repeat a few values. */
const read = new Map<string, HeaderParameters>();
const KEPT = 500;
const KEPT_LENGTH = 60;
/**
 * Longer than any parameter that Gmail's limits on headers allow, and short enough to be parsed at
 * once.
 */
const MAX_LENGTH = 65_536;
/** The maximum of one value (RFC 2231). */
const MAX_CONTINUATIONS = 1_000;

/**
 * Splits the text at its semicolons, without comments. Quoted text stays quoted; an unclosed quote
 * ends with the text.
 */
function splitAt(text: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const token of text.match(TOKENS) ?? []) {
    if (token === ';') {
      pieces.push(piece);
      piece = '';
    } else if (!token.startsWith('(') || token === '(') piece += token;
  }
  return [...pieces, piece];
}

/**
 * A quoted string, a comment (a parenthesis after a blank: `a(1).pdf` is a name), a semicolon, or
 * text without any of them.
 */
const TOKENS = /"(?:[^"\\]|\\[^])*(?:"|\\?$)|(?<=^|[\s;"])\([^()]*\)|;|[^";(]+|\(/g;

function nameAndValue(piece: string): [string, string][] {
  const at = piece.indexOf('=');
  if (at < 0) return [];
  return [[piece.slice(0, at).trim().toLowerCase(), bare(piece.slice(at + 1))]];
}

function bare(text: string): string {
  const trimmed = text.trim();
  if (!trimmed.startsWith('"')) return trimmed;
  const end = /^"((?:[^"\\]|\\[^])*)/.exec(trimmed)?.[1] ?? '';
  return end.replace(/\\([^])/g, '$1');
}

function firstWord(text: string): string {
  return /^\S+/.exec(text.trim())?.[0].toLowerCase() ?? '';
}

/**
 * Joins and decodes parameters: `name*0`, `name*1*` … are pieces of one value; a trailing `*` means
 * charset'language'percent-encoded. The plain form may contain encoded words.
 */
function decoded(raw: ReadonlyMap<string, string>): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of raw) {
    const star = key.indexOf('*');
    if (star < 0) {
      if (!found.has(key)) found.set(key, decodeHeader(value));
    } else if (/^\*(?:0\*?)?$/.test(key.slice(star)))
      found.set(key.slice(0, star), extended(raw, key.slice(0, star)));
  }
  return found;
}

function extended(raw: ReadonlyMap<string, string>, name: string): string {
  const pieces = piecesOf(raw, name);
  const tag = /^([^']{0,100})'[^']{0,100}'/.exec(pieces[0]?.isEncoded ? pieces[0].text : '');
  const bytes = pieces.map(({ text, isEncoded }, n) =>
    isEncoded ? percentBytes(n === 0 && tag ? text.slice(tag[0].length) : text) : Buffer.from(text),
  );
  return decodeText(Buffer.concat(bytes), tag?.[1] ?? null);
}

function piecesOf(
  raw: ReadonlyMap<string, string>,
  name: string,
): { text: string; isEncoded: boolean }[] {
  const whole = raw.get(`${name}*`);
  if (whole !== undefined) return [{ text: whole, isEncoded: true }];
  const pieces: { text: string; isEncoded: boolean }[] = [];
  while (pieces.length < MAX_CONTINUATIONS) {
    const encoded = raw.get(`${name}*${pieces.length}*`);
    const text = encoded ?? raw.get(`${name}*${pieces.length}`);
    if (text === undefined) break;
    pieces.push({ text, isEncoded: encoded !== undefined });
  }
  return pieces;
}

function percentBytes(text: string): Buffer {
  return Buffer.concat(
    text
      .split(/((?:%[0-9a-f]{2})+)/i)
      .map((piece, n) =>
        n % 2 === 1 ? Buffer.from(piece.replaceAll('%', ''), 'hex') : Buffer.from(piece),
      ),
  );
}
