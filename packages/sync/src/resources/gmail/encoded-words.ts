import { charsetOf, decodeBytes, type Charset } from './charset.js';

/*
 * Encoded words (RFC 2047), read as tolerantly as senders require: any name in the place of the
 * charset, blanks and raw characters within, a character split between two words. Every character
 * is read a bounded number of times, whatever the text.
 */

/**
 * Returns a header's value as one string: unfolded, with encoded words decoded. Never throws; text
 * that is not an encoded word is unchanged.
 */
export function decodeHeader(value: string): string {
  const unfolded =
    value.includes('\n') || value.includes('\r') ? value.replace(/\r?\n|\r/g, '') : value;
  return unfolded.includes('=?') ? decodeWords(unfolded) : unfolded;
}

/** Places in a text: where an encoded word's content begins, and the `?=` at its end. */
interface WordPlace {
  contentAt: number;
  /** -1 when another word begins before; the text's length when the text ends before. */
  end: number;
}

/**
 * The encoded word that begins at that place; null when none does. It ends at the first `?=`: some
 * senders leave question marks within as they are.
 */
export function encodedWordAt(text: string, at: number): WordPlace | null {
  BEGINNING.lastIndex = at;
  if (!BEGINNING.test(text)) return null;
  const contentAt = BEGINNING.lastIndex;
  for (let mark = text.indexOf('?', contentAt); mark >= 0; mark = text.indexOf('?', mark + 1)) {
    if (text[mark + 1] === '=' && !isRawMark(text, mark)) return { contentAt, end: mark };
    BEGINNING.lastIndex = mark - 1;
    if (mark > contentAt && BEGINNING.test(text)) return { contentAt, end: -1 };
  }
  return { contentAt, end: text.length };
}

/**
 * Whether `?=` at that place is a raw question mark before an escape, as in `Really?=C3=A9?=`: the
 * word's own end follows before a blank or another question mark does.
 */
function isRawMark(text: string, at: number): boolean {
  RAW_MARK.lastIndex = at;
  return RAW_MARK.test(text);
}

const RAW_MARK = /\?=[0-9A-F]{2}[^\s?]*\?=/y;

/**
 * The charset may be any printable ASCII except characters that would end a word or separate
 * addresses: names like `ANSI_X3.4-1968` and `ISO_8859-1:1987` have dots and colons. Some senders
 * put the name in quotes, or write it with a blank.
 */
const BEGINNING = /=\?[\t !"#$%&'*+\-./0-9:A-Z^_`a-z{|}~]*\?[bq]\?/iy;

/** Adjacent words of one charset, whose bytes are decoded together. */
interface Run {
  charset: Charset;
  bytes: Buffer[];
  /** Base64 characters, three at most, that a word leaves for the next one. */
  cut: string;
}

interface Decoded {
  text: string;
  run: Run | null;
}

function decodeWords(value: string): string {
  const into: Decoded = { text: '', run: null };
  let from = 0;
  for (let at = value.indexOf('=?'); at >= 0;) {
    const { contentAt, end } = encodedWordAt(value, at) ?? NO_WORD;
    if (end < 0 || end === value.length) {
      at = value.indexOf('=?', at + 2);
      continue;
    }
    const between = value.slice(from, at);
    if (into.run === null || !/^[ \t]*$/.test(between)) {
      endRun(into);
      into.text += between;
    }
    takeWord(
      into,
      value.slice(at + 2, contentAt - 3),
      value.charAt(contentAt - 2),
      value.slice(contentAt, end),
    );
    from = end + 2;
    at = value.indexOf('=?', from);
  }
  endRun(into);
  return into.text + value.slice(from);
}

const NO_WORD: WordPlace = { contentAt: -1, end: -1 };

function takeWord(into: Decoded, charset: string, encoding: string, content: string): void {
  const declared = charsetOf(charset);
  if (into.run?.charset.id !== declared.id) endRun(into);
  into.run ??= newRun(declared);
  if (encoding === 'b' || encoding === 'B') takeBase64(into.run, into.run.cut + content);
  else {
    takeCut(into.run);
    takeQuoted(into, declared, content);
  }
}

function newRun(charset: Charset): Run {
  return { charset, bytes: [], cut: '' };
}

/** Some senders split base64 at any character; the remainder then belongs to the next word. */
function takeBase64(run: Run, content: string): void {
  const over = content.includes('=') ? 0 : content.length % 4;
  const isCut = over === 1 || (over > 1 && !endsByte(content, over));
  run.cut = isCut ? content.slice(-over) : '';
  run.bytes.push(base64Bytes(isCut ? content.slice(0, -over) : content));
}

/**
 * Whether unpadded base64 may end here: the bits of its last character beyond the last whole byte
 * are zero.
 */
function endsByte(content: string, over: number): boolean {
  const last = BASE64.indexOf(content.slice(-1));
  return last < 0 || last % (over === 2 ? 16 : 4) === 0;
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function takeCut(run: Run): void {
  if (run.cut !== '') run.bytes.push(base64Bytes(run.cut));
  run.cut = '';
}

/** Raw non-ASCII characters were decoded when the header was read: they are text already. */
function takeQuoted(into: Decoded, charset: Charset, content: string): void {
  const pieces = NOT_ASCII.test(content) ? content.split(/([^\x00-\x7f]+)/) : [content];
  for (const [index, piece] of pieces.entries()) {
    if (index % 2 === 1) {
      endRun(into);
      into.text += piece;
    } else {
      into.run ??= newRun(charset);
      into.run.bytes.push(quotedBytes(piece));
    }
  }
}

const NOT_ASCII = /[^\x00-\x7f]/;

function endRun(into: Decoded): void {
  if (into.run) {
    takeCut(into.run);
    into.text += decodeBytes(Buffer.concat(into.run.bytes), into.run.charset);
  }
  into.run = null;
}

/** Decodes base64. Padding within it ends one piece, not the word. */
function base64Bytes(content: string): Buffer {
  return content.includes('=')
    ? Buffer.concat(content.split('=').map((piece) => Buffer.from(piece, 'base64')))
    : Buffer.from(content, 'base64');
}

/**
 * Decodes the Q encoding of ASCII text: underscores are blanks. A blank after `=` is the remainder
 * of a line end. The text is read character by character, since replacements cost 1 % of a full
 * sync's CPU time.
 */
function quotedBytes(content: string): Buffer {
  const bytes = Buffer.allocUnsafe(content.length);
  let length = 0;
  for (let at = 0; at < content.length; at++) {
    const code = content.charCodeAt(at);
    if (code === EQUALS) {
      const hexAt = afterBlanks(content, at + 1);
      const byte = hexByteAt(content, hexAt);
      if (byte >= 0) {
        bytes[length++] = byte;
        at = hexAt + 1;
        continue;
      }
    }
    bytes[length++] = code === UNDERSCORE ? BLANK : code;
  }
  return bytes.subarray(0, length);
}

const [TAB, BLANK, EQUALS, UNDERSCORE] = [0x09, 0x20, 0x3d, 0x5f];

function afterBlanks(content: string, from: number): number {
  let at = from;
  while (content.charCodeAt(at) === BLANK || content.charCodeAt(at) === TAB) at++;
  return at;
}

/** @returns -1 without two hexadecimal digits */
function hexByteAt(content: string, at: number): number {
  const [high, low] = [hexDigit(content.charCodeAt(at)), hexDigit(content.charCodeAt(at + 1))];
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** @param code NaN beyond the end of the text */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
