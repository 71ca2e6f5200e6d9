/**
 * Generated messages. The world stores a recipe of a few numbers for each message. Its bytes and
 * the API's view of it are generated from the recipe on demand and are always the same. This keeps
 * 20,000 messages of a mailbox in a few megabytes.
 */
import type { MessageView } from '../gmail/message-view.js';
import { snippetFrom } from '../gmail/snippet.js';
import { encodeWords } from '../mime/words.js';
import { createPrng, type Prng } from '../prng.js';
import { bodyView, firstWords, headersOf, wireLength, wireOf, type Body } from './mail-body.js';
import { alternative, bodyFor } from './mail-kinds.js';
import { PEOPLE, SENDERS_IN_BULK, TOPICS } from './phrases.js';
import { createTextPool, latin1View, type TextPool } from './text-pool.js';

export interface MailRecipe {
  /** Determines everything about this message that the thread does not. */
  seed: number;
  /** Determines the subject and the people of the thread. */
  topicSeed: number;
  /** The mailbox's address. */
  owner: string;
  role: 'received' | 'sent' | 'draft';
  /** 0 for the first message of a thread. */
  position: number;
  /** The Date header, in ms since the epoch. */
  dateMs: number;
}

export interface MailFactory {
  /** Returns the RFC 822 bytes. */
  raw(recipe: MailRecipe): Buffer;
  /** Returns the same as `viewOf(raw(recipe))`, five times as fast. */
  view(recipe: MailRecipe): MessageView;
}

export function createMailFactory(seed: number, bodyBytes: number): MailFactory {
  const pool = createTextPool(createPrng(seed).fork('text pool'));
  return {
    raw: (recipe) => {
      const { lines, body } = compose(recipe, pool, bodyBytes);
      const { headers, content } = wireOf(body);
      return Buffer.from(`${lines.join('\r\n')}\r\n${headers}\r\n${content}`, 'latin1');
    },
    view: (recipe) => {
      const { lines, body } = compose(recipe, pool, bodyBytes);
      const size = lines.reduce((sum, line) => sum + line.length + 2, 0) + wireLength(body);
      return {
        root: bodyView(body, '', headersOf(lines)),
        snippet: snippetFrom(firstWords(body)),
        size,
      };
    },
  };
}

/** Returns the Message-ID header of a recipe without generating the message. */
function messageIdOf(recipe: MailRecipe, position = recipe.position): string {
  return `<${position === 0 ? recipe.topicSeed.toString(36) : recipe.seed.toString(36)}.${recipe.topicSeed.toString(36)}.${position}@mail.example>`;
}

/** Returns header lines (folded ones include their line ends) and the body. */
function compose(
  recipe: MailRecipe,
  pool: TextPool,
  bodyBytes: number,
): { lines: string[]; body: Body } {
  const topic = createPrng(recipe.topicSeed);
  const prng = createPrng(recipe.seed);
  const bulk = topic.chance(0.2) && recipe.role === 'received' && recipe.position === 0;
  const correspondent = topic.pick(PEOPLE);
  const subject = `${recipe.position > 0 ? 'Re: ' : ''}${topic.pick(TOPICS)}`;
  const bytes = Math.max(1, Math.round(bodyBytes * (0.4 + 1.2 * prng.next())));
  const body =
    recipe.role === 'draft'
      ? alternative(prng, pool.take(prng, bytes))
      : bodyFor(prng, pool, bytes, recipe);
  const first = messageIdOf(recipe, 0);
  const lines = [
    ...(bulk ? bulkHeaders(prng, recipe.owner) : personalHeaders(prng, recipe, correspondent)),
    `Subject: ${encodeWords(subject, topic.chance(0.5) ? 'b' : 'q')}`,
    `Date: ${mailDate(recipe.dateMs, topic.pick(['+0000', '+0200', '-0500', '+0900']))}`,
    `Message-ID: ${messageIdOf(recipe)}`,
    ...(recipe.position > 0 ? [`In-Reply-To: ${first}`, `References: ${first}`] : []),
    'MIME-Version: 1.0',
  ];
  return { lines, body };
}

function personalHeaders(
  prng: Prng,
  recipe: MailRecipe,
  other: { name: string; address: string },
): string[] {
  const me = { name: '', address: recipe.owner };
  const copies = prng.chance(0.3)
    ? [`Cc: ${[prng.pick(PEOPLE), prng.pick(PEOPLE)].map(mailbox).join(',\r\n ')}`]
    : [];
  if (recipe.role !== 'received')
    return [`From: ${mailbox(me)}`, `To: ${mailbox(other)}`, ...copies];
  return [
    `Delivered-To: ${recipe.owner}`,
    ...received(prng, recipe),
    `Return-Path: <${other.address}>`,
    `From: ${mailbox(other)}`,
    `To: ${mailbox(me)}`,
    ...copies,
  ];
}

function bulkHeaders(prng: Prng, owner: string): string[] {
  const sender = prng.pick(SENDERS_IN_BULK);
  const token = prng.hex(24);
  return [
    `Delivered-To: ${owner}`,
    `Return-Path: <bounce+${token}@${sender.list}>`,
    `From: ${mailbox(sender)}`,
    `To: ${owner}`,
    `Reply-To: ${sender.address}`,
    `List-Id: ${latin1View(sender.list)} <${sender.list}>`,
    `List-Unsubscribe: <https://${sender.list}/u/${token}>,\r\n <mailto:leave+${token}@${sender.list}>`,
    'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
    'Precedence: bulk',
    'Auto-Submitted: auto-generated',
  ];
}

/** Received headers repeat and are folded, two cases that header parsers often get wrong. */
function received(prng: Prng, recipe: MailRecipe): string[] {
  const stamp = mailDate(recipe.dateMs, '-0700');
  return [
    `Received: by 2002:a05:${prng.hex(4)}:${prng.hex(4)} with SMTP id ${prng.hex(12)};\r\n        ${stamp} (PDT)`,
    `Received: from mx.example (mx.example. [192.0.2.${prng.below(255)}])\r\n        by mx.google.example with ESMTPS id ${prng.hex(16)}\r\n        for <${recipe.owner}>;\r\n        ${stamp} (PDT)`,
  ];
}

/**
 * Formats an address. A display name is quoted if it has special characters, and an encoded word if
 * it is not ASCII.
 */
function mailbox(person: { name: string; address: string }): string {
  if (person.name === '') return person.address;
  const plain = /^[\x20-\x7e]*$/.test(person.name);
  return `${plain && /[(),.'"<>@]/.test(person.name) ? `"${person.name}"` : encodeWords(person.name)} <${person.address}>`;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function mailDate(epochMs: number, zone: string): string {
  const offsetMs =
    (Number(zone.slice(0, 3)) * 60 + Number(zone.slice(0, 1) + zone.slice(3))) * 60_000;
  const date = new Date(epochMs + offsetMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${DAYS[date.getUTCDay()]}, ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} ${time} ${zone}`;
}
