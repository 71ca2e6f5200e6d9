import { decodeText } from '../mime/charset.js';
import type { Part } from '../mime/part.js';

const SNIPPET_CHARS = 200;
/**
 * Enough bytes for 200 characters of any text; decoding a whole newsletter would cost more than the
 * rest of the answer.
 */
const TEXT_BYTES = 1_200;
const HTML_BYTES = 6_000;

/** Returns the first words of the message as in Gmail's list: one line, HTML-escaped. */
export function snippetOf(root: Part): string {
  return snippetFrom(
    beginningOf(root)
      .replace(/[\s\u0000-\u001f\ufffd]+/g, ' ')
      .trim(),
  );
}

function beginningOf(root: Part): string {
  const plain = firstText(root, 'text/plain');
  if (plain !== null) return decodeText(head(plain.body, TEXT_BYTES), plain.charset);
  const html = firstText(root, 'text/html');
  return html === null ? '' : stripHtml(decodeText(head(html.body, HTML_BYTES), html.charset));
}

/** For text with collapsed white space. */
export function snippetFrom(line: string): string {
  return escapeHtml(whole(line.slice(0, SNIPPET_CHARS)).trimEnd());
}

function firstText(part: Part, mimeType: string): Part | null {
  if (part.parts.length === 0)
    return part.mimeType === mimeType && part.filename === '' && part.body.length > 0 ? part : null;
  for (const child of part.parts) {
    const found = firstText(child, mimeType);
    if (found !== null) return found;
  }
  return null;
}

/** Removes half of a surrogate pair at the end. */
function whole(line: string): string {
  return /[\ud800-\udbff]$/.test(line) ? line.slice(0, -1) : line;
}

/** Cuts at a line end if possible, so that no multibyte character is split. */
function head(body: Buffer, bytes: number): Buffer {
  if (body.length <= bytes) return body;
  const lineEnd = body.lastIndexOf(0x0a, bytes);
  if (lineEnd > bytes / 2) return body.subarray(0, lineEnd);
  let end = bytes;
  while (end > bytes - 4 && ((body[end] ?? 0) & 0xc0) === 0x80) end--;
  return body.subarray(0, end);
}

function stripHtml(html: string): string {
  const text = html
    .replace(/<(style|script|head|title)[\s\S]*?(?:<\/\1>|$)/gi, ' ')
    .replace(/<!--[\s\S]*?-->/g, ' ')
    .replace(/<[^>]*>?/g, ' ');
  return text
    .replace(/&nbsp;/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&rsquo;/g, '’')
    .replace(/&amp;/g, '&');
}

function escapeHtml(text: string): string {
  if (!/[&<>"']/.test(text)) return text;
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
