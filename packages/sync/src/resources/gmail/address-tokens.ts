import { encodedWordAt } from './encoded-words.js';

/*
 * The tokens of an address header (RFC 5322, 3.2), from its raw value: encoded words are still
 * encoded, so no comma or bracket within one is a token. One index passes over the text once. Each
 * lookahead (quote, comment, encoded word, domain literal) either consumes what it has read or is
 * not attempted again, so every character is read a bounded number of times, whatever the text.
 * There is no recursion: the nesting of comments is a counter.
 */

export interface Token {
  readonly kind: Kind;
  /**
   * The content of a quoted string or a comment, with escapes resolved; of other tokens their text.
   */
  readonly text: string;
  /** White space or a comment precedes the token. */
  readonly isSpaced: boolean;
}

type Mark = '<' | '>' | ',' | ';' | ':' | '@';
type Kind = Mark | 'word' | 'quoted' | 'comment' | 'literal';

/**
 * Splits an address header into tokens. A quote or parenthesis without its closing counterpart is
 * skipped like a blank, so that the text after it can still be read.
 * @param isCut the text was cut off: a construct that is open at its end closes there, and its
 * content is not read as anything else
 */
export function tokensOf(text: string, isCut = false): Token[] {
  const reader: Reader = {
    text,
    isCut,
    at: 0,
    tokens: [],
    isSpaced: false,
    quotesClose: true,
    commentsClose: true,
  };
  while (reader.at < text.length) readOne(reader);
  return reader.tokens;
}

interface Reader {
  readonly text: string;
  readonly isCut: boolean;
  at: number;
  readonly tokens: Token[];
  isSpaced: boolean;
  /**
   * False once a quote was found without its end. No further quote is then looked for: otherwise a
   * text of quotes only would be scanned once for each.
   */
  quotesClose: boolean;
  commentsClose: boolean;
}

const [ATOM, BLANK, MARK, QUOTE, COMMENT, BRACKET] = [0, 1, 2, 3, 4, 5] as const;
const CLASSES = new Uint8Array(128);
for (const [characters, kind] of [
  [' \t\r\n)', BLANK],
  ['<>,;:@', MARK],
  ['"', QUOTE],
  ['(', COMMENT],
  ['[', BRACKET],
] as const) {
  for (const character of characters) CLASSES[character.charCodeAt(0)] = kind;
}
const [EQUALS, BACKSLASH, DOUBLE_QUOTE, OPENING, CLOSING] = [0x3d, 0x5c, 0x22, 0x28, 0x29] as const;

function readOne(reader: Reader): void {
  switch (classOf(reader.text.charCodeAt(reader.at))) {
    case BLANK:
      return passOver(reader);
    case MARK: {
      const mark = reader.text.charAt(reader.at) as Mark;
      push(reader, mark, mark, reader.at + 1);
      // An unmatched closing bracket yields no token in the end, but it still separates the words
      // beside it.
      reader.isSpaced = mark === '>';
      return;
    }
    case QUOTE:
      return readQuoted(reader);
    case COMMENT:
      return readComment(reader);
    case BRACKET:
      return readBracket(reader);
    default:
      return readWord(reader);
  }
}

/** Non-ASCII characters are letters (RFC 6532). */
function classOf(code: number): number | undefined {
  return code < 128 ? CLASSES[code] : ATOM;
}

function push(reader: Reader, kind: Kind, text: string, end: number): void {
  reader.tokens.push({ kind, text, isSpaced: reader.isSpaced });
  reader.isSpaced = kind === 'comment';
  reader.at = end;
}

function passOver(reader: Reader): void {
  reader.isSpaced = true;
  reader.at += 1;
}

function readQuoted(reader: Reader): void {
  const { text, at } = reader;
  for (let end = at + 1; reader.quotesClose && end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === BACKSLASH) end++;
    else if (code === DOUBLE_QUOTE)
      return push(reader, 'quoted', unescaped(text.slice(at + 1, end)), end + 1);
  }
  reader.quotesClose = false;
  giveUp(reader);
}

function readComment(reader: Reader): void {
  const { text, at } = reader;
  for (let end = at + 1, depth = 1; reader.commentsClose && end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === BACKSLASH) end++;
    else if (code === OPENING) depth++;
    else if (code === CLOSING && --depth === 0)
      return push(reader, 'comment', unescaped(text.slice(at + 1, end)), end + 1);
  }
  reader.commentsClose = false;
  giveUp(reader);
}

/** Handles an opening character without its closing counterpart. */
function giveUp(reader: Reader): void {
  if (reader.isCut) reader.at = reader.text.length;
  else passOver(reader);
}

/** Returns the content without its escapes. Line ends are folding and not part of the content. */
function unescaped(text: string): string {
  const escaped = text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]+/g, '') : text;
  return escaped.includes('\\') ? escaped.replace(/\\([^])/g, '$1') : escaped;
}

/**
 * Reads a bracket: a domain literal if it follows an at sign and is closed; otherwise (`[list]
 * Ada`) a letter.
 */
function readBracket(reader: Reader): void {
  const { text, at, tokens } = reader;
  if (tokens.at(-1)?.kind !== '@') return readWord(reader);
  let end = at + 1;
  while (end < text.length && !'[],;<>"('.includes(text.charAt(end))) end++;
  if (text.charAt(end) !== ']') return readWord(reader);
  push(reader, 'literal', text.slice(at, end + 1).replace(/[ \t\r\n]/g, ''), end + 1);
}

function readWord(reader: Reader): void {
  const { text, at, isCut } = reader;
  let end = at;
  do end = text.charCodeAt(end) === EQUALS ? encodedWordEnd(text, end, isCut) : end + 1;
  while (end < text.length && isWordCode(text.charCodeAt(end)));
  push(reader, 'word', text.slice(at, end), end);
}

function isWordCode(code: number): boolean {
  const found = classOf(code);
  return found === ATOM || found === BRACKET;
}

/**
 * Returns the end of the encoded word (RFC 2047) that begins here, or the next index if none does.
 * What the decoder accepts as a word counts as one, even if it contains commas, brackets or blanks:
 * `=?utf-8?Q?Ada_<ada@example.com>?=` must not yield an address.
 */
function encodedWordEnd(text: string, at: number, isCut: boolean): number {
  const end = encodedWordAt(text, at)?.end ?? -1;
  if (end < 0) return at + 1;
  if (end < text.length) return end + 2;
  return isCut ? text.length : at + 1;
}
