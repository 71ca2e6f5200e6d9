import { TextDecoder } from 'node:util';
import iconv from 'iconv-lite';

/*
 * Charsets whose ASCII bytes are not always ASCII characters, by name without punctuation.
 * iconv-lite and TextDecoder lack most of the charsets from before eight-bit transport; each of
 * them is another encoding of a charset that TextDecoder supports.
 */

type Decode = (bytes: Buffer) => string;

/**
 * Charsets in which escape sequences switch to other characters (RFC 1468, 1557, 1843, 1922, 2152).
 */
export const SHIFTED: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ...[
    'iso2022jp',
    'csiso2022jp',
    'iso2022jp1',
    'iso2022jp2',
    'iso2022jp3',
    'iso2022jp2004',
    'iso2022jpext',
    'iso2022jpms',
  ].map((name): [string, Decode] => [name, decodeIso2022Jp]),
  ...['cp50220', 'cp50221', 'cp50222', 'jis'].map((name): [string, Decode] => [
    name,
    decodeIso2022Jp,
  ]),
  ...['iso2022kr', 'csiso2022kr'].map((name): [string, Decode] => [
    name,
    (bytes) => decodeShiftOut(bytes, 'euc-kr'),
  ]),
  ['iso2022cn', (bytes) => decodeShiftOut(bytes, 'gbk')],
  ...['hzgb2312', 'hz'].map((name): [string, Decode] => [name, decodeHz]),
  ...['utf7', 'unicode11utf7', 'csunicode11utf7'].map((name): [string, Decode] => [
    name,
    (bytes) => iconv.decode(bytes, 'utf7'),
  ]),
]);

/** Charsets of two or four bytes a character. */
export const WIDE: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ...['utf16', 'csutf16', 'unicode', 'csunicode', 'ucs2', 'iso10646ucs2'].map(
    (name): [string, Decode] => [name, decodeUtf16],
  ),
  ...['utf16le', 'unicodefeff', 'ucs2le'].map((name): [string, Decode] => [
    name,
    (bytes) => decodeUtf16(bytes, 'utf-16le'),
  ]),
  ...['utf16be', 'unicodefffe', 'ucs2be'].map((name): [string, Decode] => [
    name,
    (bytes) => decodeUtf16(bytes, 'utf-16be'),
  ]),
  ...['utf32', 'ucs4', 'utf32le', 'utf32be', 'ucs4le', 'ucs4be'].map((name): [string, Decode] => [
    name,
    (bytes) => iconv.decode(bytes, name.replace('ucs4', 'utf32')),
  ]),
]);

/** Decodes UTF-16. A byte order mark takes precedence over the name. */
function decodeUtf16(bytes: Buffer, named?: string): string {
  const mark = bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
  if (mark === 0xfeff) return iconv.decode(bytes.subarray(2), 'utf-16be');
  if (mark === 0xfffe) return iconv.decode(bytes.subarray(2), 'utf-16le');
  return iconv.decode(bytes, named ?? guessedOrder(bytes));
}

const GUESSED_FROM_BYTES = 2_048;

/**
 * Guesses the byte order. The upper bytes of a text's characters take few values, since most texts
 * use one or two scripts; read in the wrong order, a text has characters of scripts that are hardly
 * ever mixed, or of none.
 */
function guessedOrder(bytes: Buffer): 'utf-16le' | 'utf-16be' {
  const first = bytes.subarray(0, GUESSED_FROM_BYTES);
  return unlikelyShare(first, 'utf-16be') < unlikelyShare(first, 'utf-16le')
    ? 'utf-16be'
    : 'utf-16le';
}

function unlikelyShare(bytes: Buffer, order: 'utf-16le' | 'utf-16be'): number {
  const uppers = new Set<number>();
  for (let at = order === 'utf-16be' ? 0 : 1; at < bytes.length; at += 2)
    uppers.add(bytes[at] ?? 0);
  const strange = iconv.decode(bytes, order).match(UNLIKELY) ?? [];
  return uppers.size + strange.length;
}

/** Characters outside the scripts, punctuation and pictographs that mail in UTF-16 uses. */
const UNLIKELY =
  /[^\t\n\r\x20-\x7e\xa0-\xff\p{scx=Latin}\p{scx=Greek}\p{scx=Cyrillic}\p{scx=Hebrew}\p{scx=Arabic}\p{scx=Devanagari}\p{scx=Thai}\p{scx=Hangul}\p{scx=Hiragana}\p{scx=Katakana}\u4e00-\u9fff\u2000-\u22ff\u3000-\u303f\uff00-\uffef\p{Emoji_Presentation}\p{M}]/gu;

const iso2022Jp = new TextDecoder('iso-2022-jp');

/**
 * Joined words end and begin with an escape sequence. Two in a row are merged, since TextDecoder
 * rejects them as an attack. The first plane of JIS X 0213, of the versions 3 and 2004, has the
 * characters of JIS X 0208 in their places.
 */
function decodeIso2022Jp(bytes: Buffer): string {
  const text = bytes
    .toString('latin1')
    .replace(/\x1b\$\([OQ]/g, '\x1b$B')
    .replace(/\x1b\([BJ](?=\x1b)/g, '');
  return iso2022Jp.decode(Buffer.from(text, 'latin1'));
}

/** The bytes between SO and SI are EUC with the upper bit cleared; a line end also ends them. */
function decodeShiftOut(bytes: Buffer, euc: 'euc-kr' | 'gbk'): string {
  const [before = '', ...pieces] = bytes
    .toString('latin1')
    .replace(/\x1b\$\)[AC]/g, '')
    .split('\x0e');
  const shifted = pieces.map((piece) => {
    const end = firstOf(piece, '\x0f', '\n');
    return upperHalf(piece.slice(0, end)) + piece.slice(piece[end] === '\x0f' ? end + 1 : end);
  });
  return iconv.decode(Buffer.from(before + shifted.join(''), 'latin1'), euc);
}

/** Returns the index of the first occurrence of any of them, or the text's length. */
function firstOf(text: string, ...pending: readonly string[]): number {
  const places = pending.map((one) => text.indexOf(one)).filter((at) => at >= 0);
  return Math.min(text.length, ...places);
}

/**
 * The bytes between `~{` and `~}`, or the line end, are GB 2312 with the upper bit cleared; `~~` is
 * a tilde, and a tilde before a line end joins the lines.
 */
function decodeHz(bytes: Buffer): string {
  const lines = bytes.toString('latin1').split('\n');
  const text = lines.map((line) => {
    const isJoined = line.endsWith('~') && !line.endsWith('~~');
    return hzLine(isJoined ? line.slice(0, -1) : line) + (isJoined ? '' : '\n');
  });
  return iconv.decode(Buffer.from(text.join('').replace(/\n$/, ''), 'latin1'), 'gbk');
}

function hzLine(line: string): string {
  const [before = '', ...pieces] = line.split('~{');
  const shifted = pieces.map((piece) => {
    const end = firstOf(piece, '~}');
    return upperHalf(piece.slice(0, end)) + piece.slice(end + 2).replaceAll('~~', '~');
  });
  return before.replaceAll('~~', '~') + shifted.join('');
}

function upperHalf(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  for (const [at, byte] of bytes.entries()) if (byte > 0x20) bytes[at] = byte | 0x80;
  return bytes.toString('latin1');
}
