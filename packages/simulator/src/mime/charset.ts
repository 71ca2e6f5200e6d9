import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import iconv from 'iconv-lite';

/** What 0x80…0x9F mean in windows-1252 as the WHATWG Encoding Standard has it; the five holes stay control characters. */
const WINDOWS_1252_HIGH =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
  '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';

/**
 * Text of bytes in a charset named by a mail: the WHATWG label first, iconv-lite for what browsers refuse (utf-7, cp932),
 * and for a missing or unknown name UTF-8 if the bytes are valid, else windows-1252. So too for US-ASCII, which mailers
 * declare out of habit: a byte above 0x7f proves the declaration wrong.
 */
export function decodeText(bytes: Uint8Array, charset: string | null): string {
  return (charset === null ? null : decodeNamed(bytes, charset)) ?? decodeUndeclared(bytes);
}

/** As `decodeText`, but null when nobody knows the charset. */
export function decodeNamed(bytes: Uint8Array, charset: string): string | null {
  const label = charset.trim().toLowerCase();
  if (label === '' || label === 'us-ascii' || label === 'ascii') return null;
  const decoder = decoderFor(label);
  if (decoder === 'windows-1252') return decodeWindows1252(bytes);
  if (decoder === 'utf-8') return decodeUtf8(bytes);
  if (decoder !== null) return decoder.decode(bytes);
  return iconv.encodingExists(label) ? iconv.decode(Buffer.from(bytes), label) : null;
}

/** UTF-8 if valid, else windows-1252: what mail without a charset, and raw 8-bit headers, most often are. */
export function decodeUndeclared(bytes: Uint8Array): string {
  return isUtf8(bytes) ? decodeUtf8(bytes) : decodeWindows1252(bytes);
}

/** Not TextDecoder: Node 20's fast path decodes windows-1252 as ISO-8859-1, so that quotes and dashes become control characters. */
function decodeWindows1252(bytes: Uint8Array): string {
  const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  return latin1.replace(/[\x80-\x9f]/g, (char) =>
    WINDOWS_1252_HIGH.charAt(char.charCodeAt(0) - 0x80),
  );
}

type Decoder = TextDecoder | 'windows-1252' | 'utf-8';

const decoders = new Map<string, Decoder | null>();
const DECODERS_KEPT = 500;

function decoderFor(label: string): Decoder | null {
  const known = decoders.get(label);
  if (known !== undefined) return known;
  if (decoders.size >= DECODERS_KEPT) decoders.clear();
  const made = makeDecoder(label);
  decoders.set(label, made);
  return made;
}

function makeDecoder(label: string): Decoder | null {
  try {
    const decoder = new TextDecoder(label);
    return decoder.encoding === 'windows-1252' || decoder.encoding === 'utf-8'
      ? decoder.encoding
      : decoder;
  } catch (error) {
    // Told by its code: under a test runner the error comes from another realm, and `instanceof` would not know it.
    if ((error as { code?: unknown }).code === 'ERR_ENCODING_NOT_SUPPORTED') return null;
    throw error;
  }
}

/** What TextDecoder does, three times as fast. */
function decodeUtf8(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}
