import iconv from 'iconv-lite';
import type { Prng } from '../prng.js';
import type { MailRecipe } from './mail.js';
import { leafType, type Body } from './mail-body.js';
import { LEGACY_TEXTS } from './phrases.js';
import {
  base64Segment,
  eightBitSegment,
  segment,
  type Paragraph,
  type Segment,
  type TextPool,
} from './text-pool.js';

/**
 * Returns a random body, with weights as in real mail: mostly text with HTML beside it, sometimes
 * other kinds.
 */
export function bodyFor(prng: Prng, pool: TextPool, bytes: number, recipe: MailRecipe): Body {
  const dice = prng.next();
  if (dice < 0.55) return alternative(prng, pool.take(prng, bytes));
  if (dice < 0.67) return plain(pool.take(prng, bytes * 2, true));
  if (dice < 0.75) return eightBit(pool.take(prng, bytes * 2));
  if (dice < 0.85) return withAttachment(prng, alternative(prng, pool.take(prng, bytes)), pool);
  if (dice < 0.9) return nested(prng, pool, bytes);
  if (dice < 0.95) return legacyCharset(prng, bytes);
  if (dice < 0.98) return invitation(prng, pool.take(prng, bytes), recipe);
  return forwarded(prng, pool, bytes, recipe);
}

/** Returns text/plain beside text/html, each in an encoding that mail programs choose for it. */
export function alternative(prng: Prng, paragraphs: readonly Paragraph[]): Body {
  const words = wordsOf(paragraphs);
  const text: Body = paragraphs.every((one) => one.ascii)
    ? {
        kind: 'leaf',
        type: leafType('Content-Type: text/plain; charset="UTF-8"\r\n'),
        segments: paragraphs.map((one) => one.text),
        words,
      }
    : {
        kind: 'leaf',
        type: leafType(`Content-Type: text/plain; charset="UTF-8"\r\n${QP}`),
        segments: paragraphs.map((one) => one.textQp),
        words,
      };
  const html: Body = prng.chance(0.5)
    ? {
        kind: 'leaf',
        type: leafType(`Content-Type: text/html; charset="UTF-8"\r\n${EIGHT_BIT}`),
        segments: [HTML_OPEN, ...paragraphs.map((one) => one.html), HTML_CLOSE],
        words: '',
      }
    : {
        kind: 'leaf',
        type: leafType(`Content-Type: text/html; charset="UTF-8"\r\n${QP}`),
        segments: [HTML_OPEN, ...paragraphs.map((one) => one.htmlQp), HTML_CLOSE],
        words: '',
      };
  return multipart(prng, 'alternative', [text, html]);
}

const QP = 'Content-Transfer-Encoding: quoted-printable\r\n';
const EIGHT_BIT = 'Content-Transfer-Encoding: 8bit\r\n';
const BASE64 = 'Content-Transfer-Encoding: base64\r\n';

/**
 * The same in quoted-printable and 8-bit, because it has no equals sign; its length is 39 bytes.
 */
const HTML_OPEN = eightBitSegment('<!DOCTYPE html>\r\n<html><body><table>\r\n\n');
const HTML_CLOSE = eightBitSegment('</table></body></html>\r\n');

const SNIPPET_NEEDS = 220;

function wordsOf(paragraphs: readonly Paragraph[]): string {
  let words = '';
  for (const { words: more } of paragraphs) {
    words = words === '' ? more : `${words} ${more}`;
    if (words.length > SNIPPET_NEEDS) break;
  }
  return words;
}

function plain(paragraphs: readonly Paragraph[]): Body {
  const type = leafType(
    'Content-Type: text/plain; charset=us-ascii; format=flowed\r\nContent-Transfer-Encoding: 7bit\r\n',
  );
  return {
    kind: 'leaf',
    type,
    segments: paragraphs.map((one) => one.text),
    words: wordsOf(paragraphs),
  };
}

function eightBit(paragraphs: readonly Paragraph[]): Body {
  return {
    kind: 'leaf',
    type: leafType(`Content-Type: text/plain; charset=utf-8\r\n${EIGHT_BIT}`),
    segments: paragraphs.map((one) => one.text),
    words: wordsOf(paragraphs),
  };
}

function legacyCharset(prng: Prng, bytes: number): Body {
  const [charset, sentence] = prng.pick(LEGACY_TEXTS);
  const line = encodeLegacy(charset, `${sentence}\r\n`);
  const content = Buffer.alloc(line.length * Math.max(1, Math.ceil(bytes / line.length / 2)), line);
  const words = `${sentence} `.repeat(Math.min(content.length / line.length, SNIPPET_NEEDS)).trim();
  if (charset === 'iso-2022-jp') {
    return {
      kind: 'leaf',
      type: leafType(
        `Content-Type: text/plain; charset=${charset}\r\nContent-Transfer-Encoding: 7bit\r\n`,
      ),
      segments: [segment(content.toString('latin1'), content)],
      words,
    };
  }
  return {
    kind: 'leaf',
    type: leafType(`Content-Type: text/plain; charset="${charset}"\r\n${BASE64}`),
    segments: [base64Segment(content)],
    words,
  };
}

/** iconv-lite lacks ISO-2022-JP, which is EUC-JP with seven bits and escape sequences. */
function encodeLegacy(charset: string, text: string): Buffer {
  if (charset !== 'iso-2022-jp') return iconv.encode(text, charset);
  const japanese = iconv.encode(text.trimEnd(), 'euc-jp').map((byte) => byte & 0x7f);
  return Buffer.concat([
    Buffer.from('\x1b$B', 'latin1'),
    japanese,
    Buffer.from('\x1b(B\r\n', 'latin1'),
  ]);
}

function withAttachment(prng: Prng, body: Body, pool: TextPool): Body {
  const type = leafType(prng.pick(ATTACHMENTS));
  return multipart(prng, 'mixed', [body, attachment(type.text, pool.blob(prng))]);
}

/**
 * File names in all notations: quoted, RFC 2231, encoded words, split over parameters, in
 * Content-Type only.
 */
const ATTACHMENTS: readonly string[] = [
  'application/pdf; name="report.pdf"\r\nContent-Disposition: attachment; filename="report.pdf"',
  "application/pdf\r\nContent-Disposition: attachment; filename*=UTF-8''Rechnung%20M%C3%A4rz.pdf",
  'image/jpeg\r\nContent-Disposition: attachment; filename="=?UTF-8?B?5YaZ55yfLmpwZw==?="',
  'application/zip\r\nContent-Disposition: attachment; filename*0*=UTF-8\'\'a%20very%20long%20;\r\n filename*1="name.zip"',
  'text/csv; charset=utf-8\r\nContent-Disposition: attachment; filename="figures.csv"',
  'application/octet-stream; name="data.bin"',
].map((type) => `Content-Type: ${type}\r\n${BASE64}`);

function attachment(headers: string, content: Segment): Body {
  return { kind: 'leaf', type: leafType(headers), segments: [content], words: '' };
}

/** mixed(related(alternative, inline image without a name), attachment). */
function nested(prng: Prng, pool: TextPool, bytes: number): Body {
  const image = attachment(
    `Content-Type: image/png\r\nContent-ID: <logo.1>\r\nContent-Disposition: inline\r\n${BASE64}`,
    pool.blob(prng),
  );
  return withAttachment(
    prng,
    multipart(prng, 'related', [alternative(prng, pool.take(prng, bytes)), image]),
    pool,
  );
}

function invitation(prng: Prng, paragraphs: readonly Paragraph[], recipe: MailRecipe): Body {
  const stamp = new Date(recipe.dateMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const ics = [
    'BEGIN:VCALENDAR',
    'PRODID:-//Google Inc//Google Calendar 70.9054//EN',
    'VERSION:2.0',
    'METHOD:REQUEST',
    'BEGIN:VEVENT',
    `DTSTART:${stamp}`,
    `DTEND:${stamp}`,
    `DTSTAMP:${stamp}`,
    `UID:${prng.hex(26)}@google.com`,
    `ATTENDEE;RSVP=TRUE:mailto:${recipe.owner}`,
    'SUMMARY:Vorstellungsgespräch 🎯',
    'SEQUENCE:0',
    'STATUS:CONFIRMED',
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n');
  const calendar: Body = {
    kind: 'leaf',
    type: leafType(`Content-Type: text/calendar; charset="UTF-8"; method=REQUEST\r\n${EIGHT_BIT}`),
    segments: [eightBitSegment(ics)],
    words: '',
  };
  const file = attachment(
    `Content-Type: application/ics; name="invite.ics"\r\nContent-Disposition: attachment; filename="invite.ics"\r\n${BASE64}`,
    base64Segment(Buffer.from(ics)),
  );
  return multipart(prng, 'mixed', [
    multipart(prng, 'alternative', [alternative(prng, paragraphs), calendar]),
    file,
  ]);
}

function forwarded(prng: Prng, pool: TextPool, bytes: number, recipe: MailRecipe): Body {
  const inner = withAttachment(prng, alternative(prng, pool.take(prng, bytes)), pool);
  const lead = [
    'From: someone@else.example',
    `To: ${recipe.owner}`,
    'Subject: The original',
    'MIME-Version: 1.0',
  ];
  const type = leafType(
    'Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename="original.eml"\r\n',
  );
  return multipart(prng, 'mixed', [
    plain(pool.take(prng, 300, true)),
    { kind: 'forwarded', type, lead, inner },
  ]);
}

function multipart(prng: Prng, subtype: string, bodies: readonly Body[]): Body {
  return { kind: 'multipart', subtype, boundary: `000000000000${prng.hex(16)}`, bodies };
}
