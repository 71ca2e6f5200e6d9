import { isAscii, isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import iconv from 'iconv-lite';
import { SHIFTED, WIDE } from './charset-families.js';
import { canonicalName } from './charset-names.js';

/*
 * Bytes → text, by one rule for bodies, encoded words and parameters. Mail often declares a charset
 * that it does not use, and Gmail is reported to recode text bodies to UTF-8 without changing the
 * declaration (gogcli #446). Text in another charset is hardly ever valid UTF-8, so bytes that are
 * valid UTF-8 are read as UTF-8 whatever is declared. Everything else is read by the declaration.
 */

/** The charset that a declared name refers to. */
export interface Charset {
  /**
   * Equal for all names of one charset: adjacent words of one charset are joined before they are
   * decoded.
   */
  readonly id: string;
  /**
   * `eight-bit`: ASCII bytes are ASCII characters. `shifted`: escape sequences of ASCII bytes
   * switch to other characters (ISO-2022, HZ, UTF-7). `wide`: two or four bytes a character
   * (UTF-16, UTF-32).
   */
  readonly shape: 'eight-bit' | 'shifted' | 'wide';
  decode(bytes: Buffer): string;
}

/**
 * Decodes bytes by their declared charset. Never throws: invalid bytes become U+FFFD.
 * @param declared the name in the header; null when there is none
 */
export function decodeText(bytes: Buffer, declared: string | null): string {
  return decodeBytes(bytes, charsetOf(declared));
}

/** Does the same as `decodeText`, for a charset that is already looked up. */
export function decodeBytes(bytes: Buffer, charset: Charset): string {
  if (charset.shape === 'wide' && isWide(bytes)) return charset.decode(bytes);
  if (isAscii(bytes))
    return charset.shape === 'shifted' ? charset.decode(bytes) : bytes.toString('latin1');
  return isUtf8(bytes) ? utf8Text(bytes) : charset.decode(bytes);
}

/**
 * Returns the charset of a declared name. A missing or unknown name means the family of US-ASCII
 * and Latin-1.
 */
export function charsetOf(declared: string | null): Charset {
  if (declared === null) return WESTERN;
  const name = declared.slice(0, NAME_LENGTH);
  const known = charsets.get(name);
  if (known !== undefined) return known;
  if (charsets.size >= CHARSETS_KEPT) charsets.clear();
  const found = findCharset(name);
  charsets.set(name, found);
  return found;
}

/** WHATWG defines some 220 names; the limit keeps unknown names from filling the cache. */
const CHARSETS_KEPT = 256;
const NAME_LENGTH = 100;
const charsets = new Map<string, Charset>();

/**
 * US-ASCII, ISO-8859-1 and windows-1252: windows-1252 contains the characters of the others, and
 * such mail uses it in practice.
 */
const WESTERN: Charset = {
  id: 'windows-1252',
  shape: 'eight-bit',
  // TextDecoder is not used: that of Node 20 turns 0x80 to 0x9F into control characters.
  decode: (bytes) => iconv.decode(bytes, 'windows-1252'),
};

/**
 * Names of Latin-1 and windows-1252 that TextDecoder does not know, without punctuation. The names
 * of US-ASCII need no list: an unknown name has the same meaning.
 */
const WESTERN_NAMES = new Set([
  'iso88591',
  'iso8859',
  '88591',
  'latin1',
  'isolatin1',
  'l1',
  'isoir100',
  'csisolatin1',
  'iso88591windows31latin1',
  'cp819',
  'ibm819',
  '819',
  'windows1252',
  'win1252',
  'cp1252',
  'xcp1252',
  'ibm1252',
  '1252',
  'ansi',
  'xansi',
  'ascii',
  'usascii',
  'csascii',
  'ansix341968',
  'ansix341986',
  'iso646us',
  'us',
  'ibm367',
  'cp367',
]);

/** Names that iconv-lite accepts and that are not charsets of text. */
const NO_CHARSETS = new Set(['base64', 'hex', 'binary', 'utf7imap']);

function findCharset(declared: string): Charset {
  const name = bareName(declared);
  const [word = ''] = name.split(/\s/);
  // `windows 1251` is one name; of `utf-8 format=flowed` the first word is.
  return charsetNamed(name) ?? charsetNamed(word) ?? WESTERN;
}

function charsetNamed(label: string): Charset | null {
  const key = canonicalName(keyOf(label));
  const wide = WIDE.get(key);
  if (wide) return { id: key, shape: 'wide', decode: wide };
  const shifted = SHIFTED.get(key);
  if (shifted) return { id: key, shape: 'shifted', decode: shifted };
  if (WESTERN_NAMES.has(key)) return WESTERN;
  const decoder = decoderFor(label) ?? decoderFor(key);
  if (decoder) return knownToTheWeb(decoder);
  if (key in Object.prototype || NO_CHARSETS.has(key) || !iconv.encodingExists(key)) return null;
  return { id: key, shape: 'eight-bit', decode: (bytes) => iconv.decode(bytes, key) };
}

/** Drops the year of `ISO_8859-1:1987` and all punctuation: senders spell names in many ways. */
function keyOf(label: string): string {
  return label.replace(/:\d{4}$/, '').replace(/[^a-z0-9]/g, '');
}

/**
 * Returns the charset for a name of the Encoding Standard. For three of its charsets Node's
 * decoders lack thousands of characters.
 */
function knownToTheWeb(decoder: TextDecoder): Charset {
  const id = decoder.encoding;
  if (id === 'windows-1252') return WESTERN;
  if (id === 'big5' || id === 'euc-kr')
    return { id, shape: 'eight-bit', decode: (bytes) => iconv.decode(bytes, id) };
  const complete = id === 'gbk' ? new TextDecoder('gb18030') : decoder;
  return { id, shape: 'eight-bit', decode: (bytes) => complete.decode(bytes) };
}

/**
 * Reduces a declared name to the name itself: `"utf-8; format=flowed"`, `'utf-8'` and `utf-8*en`
 * (RFC 2231's language) all name utf-8.
 */
function bareName(declared: string): string {
  return (/^[\s"'=]*([^"';,*]+)/.exec(declared.toLowerCase())?.[1] ?? '').trim();
}

function decoderFor(label: string): TextDecoder | null {
  try {
    return new TextDecoder(label);
  } catch {
    // A RangeError here means an unknown name, which is a valid result.
    return null;
  }
}

/**
 * Whether the bytes are UTF-16. Read as single bytes, UTF-16 is full of control characters: NULs
 * for every blank, digit and line end, others for most alphabets. Recoded text has none.
 */
function isWide(bytes: Buffer): boolean {
  const mark = bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
  return mark === 0xfeff || mark === 0xfffe || CONTROL.test(bytes.toString('latin1'));
}

const CONTROL = /[\x00-\x08\x0e-\x1a\x1c-\x1f]/;

/**
 * Decodes valid UTF-8, which nearly all mail is. This takes a fifth of a TextDecoder's time and
 * gives the same text, without the byte order mark.
 */
function utf8Text(bytes: Buffer): string {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return bytes.toString('utf8', marked ? 3 : 0);
}
