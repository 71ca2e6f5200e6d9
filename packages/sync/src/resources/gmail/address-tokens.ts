import { encodedContentAt } from './encoded-words.js';

/*
 * The tokens of an address header (RFC 5322, 3.2), of its raw value: encoded words are still encoded, so no comma or bracket within one is a token.
 * One index goes over the text. What looks ahead (a quote, a comment, an encoded word, a domain literal) either takes what it saw or can't see the same again, so every
 * character is looked at a few times at most, whatever the text. Nothing calls itself: a comment's nesting is a number.
 */

export interface Token {
  readonly kind: Kind;
  /** Of a quoted string or a comment what stands in it, its escapes resolved. */
  readonly text: string;
  /** White space or a comment stands before it. */
  readonly isSpaced: boolean;
}

type Mark = '<' | '>' | ',' | ';' | ':' | '@';
type Kind = Mark | 'word' | 'quoted' | 'comment' | 'literal';

/**
 * A quote or parenthesis that nothing closes is passed over like a blank: what follows it can still be read.
 * @param isCut the text goes on beyond its end: what is open there, closes there, and its content is not read as anything else
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
  /** False once the text has ended within one: from then on none is looked for, or a text of nothing but quotes would be gone through once for each. */
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
const [EQUALS, QUESTION_MARK, BACKSLASH, DOUBLE_QUOTE, OPENING, CLOSING] = [
  0x3d, 0x3f, 0x5c, 0x22, 0x28, 0x29,
] as const;

function readOne(reader: Reader): void {
  switch (classOf(reader.text.charCodeAt(reader.at))) {
    case BLANK:
      return passOver(reader);
    case MARK: {
      const mark = reader.text.charAt(reader.at) as Mark;
      push(reader, mark, mark, reader.at + 1);
      // A bracket that closes nothing leaves no token in the end, and still does not make one word of its neighbours.
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

/** What is not ASCII is a letter like others (RFC 6532). */
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

/** Nothing closes here what was opened. */
function giveUp(reader: Reader): void {
  if (reader.isCut) reader.at = reader.text.length;
  else passOver(reader);
}

/** Line ends within are folding, and no content. */
function unescaped(text: string): string {
  const escaped = text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]+/g, '') : text;
  return escaped.includes('\\') ? escaped.replace(/\\([^])/g, '$1') : escaped;
}

/** After an at sign a bracket begins a domain literal; elsewhere (`[list] Ada`) it is a letter like others, and so it is when it does not close. */
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
 * Where the encoded word (RFC 2047) that begins here ends; where none does, the next character. What the decoder takes for a word is one here, even where senders leave
 * commas, brackets or blanks in it: `=?utf-8?Q?Ada_<ada@example.com>?=` must not come to name an address.
 */
function encodedWordEnd(text: string, at: number, isCut: boolean): number {
  let end = encodedContentAt(text, at);
  if (end < 0) return at + 1;
  while (end < text.length && text.charCodeAt(end) !== QUESTION_MARK) end++;
  if (text.charCodeAt(end + 1) === EQUALS) return end + 2;
  return isCut && end >= text.length - 1 ? text.length : at + 1;
}
