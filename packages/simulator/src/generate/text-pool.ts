import { base64url } from '../mime/base64url.js';
import type { Prng } from '../prng.js';
import { SENTENCES, WIDE_SENTENCES } from './phrases.js';

/**
 * A segment of a body in every required form, encoded once. The length of all but the last segment
 * of a body is a multiple of three bytes, so that their base64 forms can be concatenated.
 */
export interface Segment {
  /** As transferred. A latin1 view: one character is one byte. */
  readonly wire: string;
  /** Number of bytes when decoded. */
  readonly size: number;
  /** The decoded bytes in base64url. */
  readonly base64: Buffer;
}

/** One paragraph as text and HTML, each in 8-bit and in quoted-printable. */
export interface Paragraph {
  text: Segment;
  textQp: Segment;
  html: Segment;
  htmlQp: Segment;
  ascii: boolean;
  words: string;
}

/** Prepared segments, so that generating 1,500 messages a second need not encode each one. */
export interface TextPool {
  /** Returns paragraphs with about that many bytes as text and HTML together. */
  take(prng: Prng, bytes: number, asciiOnly?: boolean): Paragraph[];
  /** Returns a binary attachment, transferred in base64. */
  blob(prng: Prng): Segment;
}

const PARAGRAPHS = 64;
const BLOBS = 8;

export function createTextPool(prng: Prng): TextPool {
  const all = Array.from({ length: PARAGRAPHS }, (_, index) => paragraph(prng, index % 3 === 0));
  const ascii = all.filter((one) => one.ascii);
  const blobs = Array.from({ length: BLOBS }, (_, index) =>
    madeOnce(() => blobOf(prng.fork(`blob ${index}`))),
  );
  return {
    take: (by, bytes, asciiOnly = false) => {
      const taken: Paragraph[] = [];
      for (let left = bytes; left > 0;) {
        const one = by.pick(asciiOnly ? ascii : all);
        taken.push(one);
        left -= one.text.size + one.html.size;
      }
      return taken;
    },
    blob: (by) => by.pick(blobs)(),
  };
}

/**
 * Tests create hundreds of worlds, and most of them use a few paragraphs, so expensive values are
 * computed on demand.
 */
function madeOnce<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** Returns text transferred as its UTF-8 bytes. */
export function eightBitSegment(text: string): Segment {
  return segment(latin1View(text), Buffer.from(text));
}

/** Returns bytes transferred in base64, in lines of 76 characters. */
export function base64Segment(bytes: Buffer): Segment {
  return segment(`${bytes.toString('base64').replace(/.{76}(?=.)/g, '$&\r\n')}\r\n`, bytes);
}

export function segment(wire: string, bytes: Buffer): Segment {
  return { wire, size: bytes.length, base64: Buffer.from(base64url(bytes), 'latin1') };
}

/** Returns UTF-8 text as a string whose characters are its bytes. */
export function latin1View(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Encodes UTF-8 text with CRLF line ends in quoted-printable; lines stay within 76 characters. */
function quotedPrintable(text: string): string {
  return text.split('\r\n').map(quoteLine).join('\r\n');
}

function quoteLine(line: string): string {
  let out = '';
  let width = 0;
  const bytes = Buffer.from(line, 'utf8');
  for (const [index, byte] of bytes.entries()) {
    const plain =
      byte >= 0x20 &&
      byte <= 0x7e &&
      byte !== 0x3d &&
      !(byte === 0x20 && index === bytes.length - 1);
    const piece = plain
      ? String.fromCharCode(byte)
      : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    if (width + piece.length > 75) {
      out += '=\r\n';
      width = 0;
    }
    out += piece;
    width += piece.length;
  }
  return out;
}

function paragraph(prng: Prng, wide: boolean): Paragraph {
  const sentences = Array.from({ length: prng.between(2, 4) }, () => prng.pick(SENTENCES));
  if (wide) sentences.splice(1, 0, prng.pick(WIDE_SENTENCES));
  const text = madeOnce(() => aligned((dots) => `${sentences.join('\r\n')}${dots}\r\n\r\n`));
  const html = madeOnce(() =>
    aligned(
      (dots) =>
        `<tr><td style="padding:0 24px 16px 24px;font-family:Arial,Helvetica,sans-serif;font-size:14px;line-height:20px;color:#202124">\r\n` +
        `${sentences.map((one) => `<p style="margin:0 0 8px 0">${escapeHtml(one)}</p>`).join('\r\n')}${dots}\r\n</td></tr>\r\n`,
    ),
  );
  const forms = {
    text: madeOnce(() => eightBitSegment(text())),
    textQp: madeOnce(() => segment(quotedPrintable(text()), Buffer.from(text()))),
    html: madeOnce(() => eightBitSegment(html())),
    htmlQp: madeOnce(() => segment(quotedPrintable(html()), Buffer.from(html()))),
    words: madeOnce(() => text().replace(/\s+/g, ' ').trim()),
  };
  return {
    get text() {
      return forms.text();
    },
    get textQp() {
      return forms.textQp();
    },
    get html() {
      return forms.html();
    },
    get htmlQp() {
      return forms.htmlQp();
    },
    get words() {
      return forms.words();
    },
    ascii: !wide,
  };
}

/** Adds dots until the length is a multiple of three bytes. */
function aligned(write: (dots: string) => string): string {
  return write('.'.repeat((3 - (Buffer.byteLength(write('')) % 3)) % 3));
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('’', '&rsquo;');
}

function blobOf(prng: Prng): Segment {
  return base64Segment(randomBytes(prng, prng.between(600, 6_000)));
}

function randomBytes(prng: Prng, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at++) bytes[at] = prng.below(256);
  return bytes;
}
