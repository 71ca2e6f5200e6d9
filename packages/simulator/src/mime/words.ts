import { decodeText } from './charset.js';
import { decodeBase64, decodeQ } from './transfer.js';

/** The charset may be any name, or empty. */
const WORD = /=\?([^?\s*=<>()"]*)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=/g;

interface Run {
  charset: string;
  bytes: Buffer[];
}

/**
 * Decodes RFC 2047 encoded words. White space between two words is removed. Adjacent words of one
 * charset are joined as bytes first, because many mail programs split a multibyte character.
 * Charsets are decoded as for bodies.
 */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return value;
  let text = '';
  let end = 0;
  let run: Run = { charset: '', bytes: [] };
  for (const match of value.matchAll(WORD)) {
    const [source, charset = '', encoding = '', content = ''] = match;
    const between = value.slice(end, match.index);
    const joined = end > 0 && /^[ \t\r\n]*$/.test(between);
    if (!joined || run.charset !== nameOf(charset)) {
      text += textOf(run);
      run = { charset: nameOf(charset), bytes: [] };
    }
    if (!joined) text += between;
    text += takeWord(run, encoding, content);
    end = match.index + source.length;
  }
  return text + textOf(run) + value.slice(end);
}

/**
 * Adds the word's bytes to the run.
 * @returns text that is already complete
 */
function takeWord(run: Run, encoding: string, content: string): string {
  if (encoding.toLowerCase() === 'b') {
    run.bytes.push(decodeBase64(Buffer.from(content, 'latin1')));
    return '';
  }
  let text = '';
  // Raw characters that the sender failed to encode are already text.
  for (const [index, piece] of content.split(/([^\x00-\x7f]+)/).entries()) {
    if (index % 2 === 0) run.bytes.push(decodeQ(piece));
    else {
      text += textOf(run) + piece;
      run.bytes = [];
    }
  }
  return text;
}

/**
 * Encodes a header value as RFC 2047 words if it is not plain ASCII. Each word contains whole
 * characters and stays under 75 characters.
 */
export function encodeWords(text: string, encoding: 'b' | 'q' = 'b'): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const key = `${encoding}${text}`;
  const known = encoded.get(key);
  if (known !== undefined) return known;
  const folded = fold(text, encoding);
  if (encoded.size < ENCODED_KEPT) encoded.set(key, folded);
  return folded;
}

/** A cache, because generated messages repeat a few names and subjects. */
const encoded = new Map<string, string>();
const ENCODED_KEPT = 1_000;

function fold(text: string, encoding: 'b' | 'q'): string {
  const words: string[] = [];
  let chunk = '';
  for (const char of text) {
    if (Buffer.byteLength(chunk + char) > (encoding === 'b' ? 42 : 18)) {
      words.push(chunk);
      chunk = '';
    }
    chunk += char;
  }
  words.push(chunk);
  return words
    .map((word) =>
      encoding === 'b'
        ? `=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`
        : `=?UTF-8?Q?${encodeQ(word)}?=`,
    )
    .join('\r\n ');
}

/** Names of one charset differ in case and punctuation. */
function nameOf(charset: string): string {
  return charset.toLowerCase().replace(/^utf8$/, 'utf-8');
}

function textOf(run: Run): string {
  return decodeText(Buffer.concat(run.bytes), run.charset);
}

function encodeQ(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text)) {
    if (byte === 0x20) out += '_';
    else if (/[A-Za-z0-9]/.test(String.fromCharCode(byte))) out += String.fromCharCode(byte);
    else out += `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
