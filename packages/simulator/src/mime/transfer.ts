/** Decodes Content-Transfer-Encodings leniently, like real receivers: never with an error. */

/** Returns the decoded bytes of a body; unchanged for an unknown encoding. */
export function decodeTransfer(body: Buffer, encoding: string): Buffer {
  switch (encoding) {
    case 'base64':
      return decodeBase64(body);
    case 'quoted-printable':
      return decodeQuotedPrintable(body);
    case 'x-uuencode':
    case 'uuencode':
    case 'x-uue':
    case 'uue':
      return decodeUuencode(body);
    default:
      return body;
  }
}

/**
 * Skips invalid characters and does not stop at padding, so that two concatenated blobs lose no
 * bytes.
 */
export function decodeBase64(body: Buffer): Buffer {
  const text = body.toString('latin1');
  const pad = text.indexOf('=');
  if (pad < 0 || !/[A-Za-z0-9+/]/.test(text.slice(pad))) return Buffer.from(text, 'base64');
  return Buffer.concat(text.split(/=+/).map((piece) => Buffer.from(piece, 'base64')));
}

/**
 * RFC 2045 §6.7; an invalid escape is kept literally. This is the simulator's hottest loop: one
 * table look-up per byte, no calls.
 */
function decodeQuotedPrintable(body: Buffer): Buffer {
  const first = body.indexOf(0x3d);
  if (first < 0) return body;
  const out = Buffer.allocUnsafe(body.length);
  let to = body.copy(out, 0, 0, first);
  for (let at = first; at < body.length; at++) {
    const byte = body[at] as number;
    if (byte !== 0x3d) {
      out[to++] = byte;
      continue;
    }
    const value = (HEX[body[at + 1] ?? 0] as number) * 16 + (HEX[body[at + 2] ?? 0] as number);
    if (value >= 0) {
      out[to++] = value;
      at += 2;
      continue;
    }
    const soft = softBreak(body, at + 1);
    if (soft === 0) out[to++] = byte;
    at += soft;
  }
  return out.subarray(0, to);
}

/** Decodes the Q encoding of RFC 2047, in which underscores are spaces. */
export function decodeQ(content: string): Buffer {
  return decodeQuotedPrintable(Buffer.from(content.replaceAll('_', ' '), 'latin1'));
}

/**
 * The value of a hexadecimal digit's character; for others so negative that no pair gives a byte.
 */
const HEX = Int16Array.from({ length: 256 }, (_, byte) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase());
  return digit < 0 ? -300 : digit;
});

/**
 * Returns the number of bytes of a soft line break after `=` (spaces, then CRLF, LF or the end); 0
 * if there is none.
 */
function softBreak(body: Buffer, from: number): number {
  let at = from;
  while (body[at] === 0x20 || body[at] === 0x09) at++;
  if (body[at] === 0x0d && body[at + 1] === 0x0a) return at + 2 - from;
  if (body[at] === 0x0a || body[at] === 0x0d) return at + 1 - from;
  return at >= body.length ? Math.max(1, at - from) : 0;
}

/**
 * Decodes the lines between `begin` and `end`; a body without a `begin` line consists of data lines
 * only.
 */
function decodeUuencode(body: Buffer): Buffer {
  const lines = body.toString('latin1').split(/\r?\n/);
  const begin = lines.findIndex((line) => /^begin [0-7]{3,4} /.test(line));
  const out: number[] = [];
  for (const line of lines.slice(begin + 1)) {
    if (/^end\s*$/.test(line)) break;
    uuLine(line, out);
  }
  return Buffer.from(out);
}

function uuLine(line: string, out: number[]): void {
  if (line === '') return;
  const count = (line.charCodeAt(0) - 32) & 63;
  const six = (index: number): number =>
    index < line.length ? (line.charCodeAt(index) - 32) & 63 : 0;
  for (let byte = 0, at = 1; byte < count; byte += 3, at += 4) {
    const word = (six(at) << 18) | (six(at + 1) << 12) | (six(at + 2) << 6) | six(at + 3);
    for (let k = 0; k < 3 && byte + k < count; k++) out.push((word >> (16 - 8 * k)) & 255);
  }
}
