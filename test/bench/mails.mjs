/**
 * Mails of two kinds, the same for the same number: newsletters (HTML with inline styles and tracked
 * links, beside a short text) and conversations (short replies that quote their predecessor). Words
 * follow Zipf's law and links end in random tokens, so that a compressor finds what it finds in
 * such mail, not less and not more.
 */
import { createHash } from 'node:crypto';

const VOCABULARY = 4_000;
const CONVERSATION_LENGTH = 4;
const FIRST_DATE_MS = Date.UTC(2026, 0, 1);

/** About 20 kB. */
export function newsletter(number) {
  const random = randomOf(`newsletter ${number}`);
  const title = words(random, 6);
  const items = Array.from({ length: 14 }, () => item(random));
  return [
    `Delivered-To: reader@demo.example`,
    ...transport(random, number),
    `From: "The ${words(random, 2)} letter" <news@list${number % 20}.example>`,
    'To: reader@demo.example',
    `Subject: ${title}`,
    `Date: ${new Date(FIRST_DATE_MS + number * 3_600_000).toUTCString()}`,
    `Message-ID: <${token(random, 24)}@list${number % 20}.example>`,
    `List-Id: <letter.list${number % 20}.example>`,
    `List-Unsubscribe: <https://list${number % 20}.example/u/${token(random, 40)}>`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/alternative; boundary="edge"',
    '',
    '--edge',
    'Content-Type: text/plain; charset=utf-8',
    '',
    ...items.map(({ text }) => text),
    '--edge',
    'Content-Type: text/html; charset=utf-8',
    '',
    `<html><body style="margin:0;padding:0;background-color:#f4f4f7"><h1 style="${STYLE}">${title}</h1>`,
    ...items.map(({ html }) => html),
    '</body></html>',
    '--edge--',
    '',
  ].join('\r\n');
}

/** About 2 kB; each four are a thread. */
export function conversation(number) {
  const position = number % CONVERSATION_LENGTH;
  const thread = randomOf(`thread ${Math.floor(number / CONVERSATION_LENGTH)}`);
  const [subject, id] = [words(thread, 5), token(thread, 16)];
  const random = randomOf(`reply ${number}`);
  const idAt = (at) => `<${id}.${at}@mail.example>`;
  const earlier = Array.from({ length: position }, (_, at) => idAt(at));
  return [
    'Delivered-To: reader@demo.example',
    ...transport(random, number),
    `From: ${words(random, 2)} <person${number % 50}@work.example>`,
    'To: reader@demo.example',
    `Subject: ${position > 0 ? 'Re: ' : ''}${subject}`,
    `Date: ${new Date(FIRST_DATE_MS + number * 600_000).toUTCString()}`,
    `Message-ID: ${idAt(position)}`,
    ...(position > 0
      ? [`In-Reply-To: ${earlier.at(-1)}`, `References: ${earlier.join('\r\n ')}`]
      : []),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    lines(textOf(number), ''),
    '',
    ...earlier.map((_, at) => lines(textOf(number - position + at), '> ')),
    '',
  ].join('\r\n');
}

/** The own words of a reply: 15 to 95. */
function textOf(number) {
  const random = randomOf(`text ${number}`);
  return words(random, 15 + Math.floor(80 * random()));
}

const STYLE =
  'font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:24px;color:#333333;margin:0 0 16px 0';

/** One article of a newsletter: a table row with picture, heading, text and button. */
function item(random) {
  const [heading, text] = [words(random, 7), words(random, 45)];
  const link = `https://click.example/c/${token(random, 64)}`;
  return {
    text: `${heading}\r\n${lines(text, '')}\r\n${link}\r\n`,
    html: `<table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0" style="border-collapse:collapse"><tr><td style="padding:24px;background-color:#ffffff"><a href="${link}"><img src="https://img.example/${token(random, 24)}.png" width="552" height="240" alt="" style="display:block;border:0"></a><h2 style="${STYLE}">${heading}</h2><p style="${STYLE}">${text}</p><a href="${link}" style="${STYLE};background-color:#3869d4;border-radius:3px;padding:10px 18px">Read more</a></td></tr></table>`,
  };
}

/** The headers that servers add on the way: a third of a short mail, and mostly random. */
function transport(random, number) {
  return [
    ...Array.from(
      { length: Math.floor(3 * random()) },
      () =>
        `Received: by 2002:a05:${token(random, 4)} with SMTP id ${token(random, 24)};\r\n        Thu, 01 Jan 2026 00:00:${number % 60} -0800 (PST)`,
    ),
    `Received: from mx${number % 9}.example (mx${number % 9}.example. [192.0.2.${number % 255}])\r\n        by mx.google.example with ESMTPS id ${token(random, 24)}\r\n        for <reader@demo.example>`,
    `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=work.example; s=20260101;\r\n        bh=${token(random, 44)};\r\n        b=${token(random, 64)}\r\n         ${token(random, 64)}\r\n         ${token(random, 64)}`,
    `Authentication-Results: mx.google.example; dkim=pass header.i=@work.example header.s=20260101; spf=pass smtp.mailfrom=work.example`,
    `Return-Path: <bounce+${token(random, 16)}@work.example>`,
  ];
}

/** A stream of numbers in [0, 1), the same for the same seed. */
function randomOf(seed) {
  /** @type {Buffer} */
  let block = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at >= block.length / 4) {
      block = createHash('sha256').update(seed).update(block).digest();
      at = 0;
    }
    return block.readUInt32LE(4 * at++) / 2 ** 32;
  };
}

/** Words by Zipf's law: the n-th of the vocabulary is 1/n as frequent as the first. */
function words(random, count) {
  return Array.from({ length: count }, () => word(Math.floor(VOCABULARY ** random()))).join(' ');
}

const SYLLABLES = [
  'an',
  'ber',
  'co',
  'du',
  'el',
  'fir',
  'ga',
  'hol',
  'in',
  'ka',
  'lo',
  'mer',
  'no',
];

function word(rank) {
  const { length } = SYLLABLES;
  const tail = rank < length ? '' : word(Math.floor(rank / length));
  return `${SYLLABLES[rank % length]}${tail}`;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function token(random, length) {
  return Array.from({ length }, () => ALPHABET[Math.floor(64 * random())]).join('');
}

function lines(text, prefix) {
  return text.replace(/(.{1,70})(?: |$)/g, `${prefix}$1\r\n`).trimEnd();
}
