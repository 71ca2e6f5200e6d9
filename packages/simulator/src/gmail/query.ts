/**
 * The part of Gmail's search syntax that mirrors use: labels, locations, dates, Message-ID and
 * plain words, each with optional negation.
 */
import { headerValue } from '../mime/headers.js';
import { parseMessage } from '../mime/part.js';
import { decodeWords } from '../mime/words.js';
import type { Mailbox, StoredMessage } from '../mailbox.js';

export interface MessageQuery {
  labelIds: readonly string[];
  q: string;
  includeSpamTrash: boolean;
}

export type MessageTest = (message: StoredMessage) => boolean;

/**
 * Returns a test for the messages of a list. `in:spam`, `in:trash` and `in:anywhere` lift the
 * default exclusion, as in Gmail.
 */
export function messageTest(mailbox: Mailbox, query: MessageQuery): MessageTest {
  const words = tokens(query.q);
  const named = [
    ...query.labelIds,
    ...words.map((word) => (/^(?:in|label):(spam|trash)$/i.exec(word)?.[1] ?? '').toUpperCase()),
  ];
  const everywhere =
    query.includeSpamTrash ||
    named.includes('SPAM') ||
    named.includes('TRASH') ||
    words.includes('in:anywhere');
  const tests: MessageTest[] = words
    .map((word) => termTest(mailbox, word))
    .filter((test) => test !== null);
  for (const label of query.labelIds) tests.push((message) => message.labelIds.includes(label));
  if (!everywhere)
    tests.push(
      (message) => !message.labelIds.includes('SPAM') && !message.labelIds.includes('TRASH'),
    );
  return (message) => tests.every((test) => test(message));
}

/** Splits a query into words and `key:value` terms; quotes keep a term together. */
function tokens(q: string): string[] {
  return [...q.matchAll(/-?(?:[\w-]+:)?(?:"[^"]*"|[^\s"]+)/g)].map((match) => match[0]);
}

function termTest(mailbox: Mailbox, word: string): MessageTest | null {
  if (word.startsWith('-') && word.length > 1) {
    const inner = termTest(mailbox, word.slice(1));
    return inner === null ? null : (message) => !inner(message);
  }
  const match = /^([\w-]+):(.*)$/.exec(word);
  const key = match?.[1]?.toLowerCase() ?? '';
  const value = (match?.[2] ?? word).replaceAll('"', '');
  const test = TERMS.get(key);
  return test === undefined
    ? headerTest(mailbox, value, ['subject', 'from', 'to'])
    : test(mailbox, value);
}

type TermTest = (mailbox: Mailbox, value: string) => MessageTest | null;

const TERMS: ReadonlyMap<string, TermTest> = new Map(
  Object.entries<TermTest>({
    in: labelTest,
    is: labelTest,
    label: labelTest,
    after: newerTest,
    newer: newerTest,
    before: olderTest,
    older: olderTest,
    rfc822msgid: messageIdTest,
    from: (mailbox, value) => headerTest(mailbox, value, ['from']),
    to: (mailbox, value) => headerTest(mailbox, value, ['to']),
    cc: (mailbox, value) => headerTest(mailbox, value, ['cc']),
    subject: (mailbox, value) => headerTest(mailbox, value, ['subject']),
  }),
);

function newerTest(_mailbox: Mailbox, value: string): MessageTest {
  return (message) => message.internalDateMs >= dateOf(value);
}

function olderTest(_mailbox: Mailbox, value: string): MessageTest {
  return (message) => message.internalDateMs < dateOf(value);
}

function messageIdTest(mailbox: Mailbox, value: string): MessageTest {
  return (message) =>
    header(mailbox, message, 'message-id').replace(/[<>]/g, '') === value.replace(/[<>]/g, '');
}

/** Returns a test for messages in which any of the headers contains the text. */
function headerTest(mailbox: Mailbox, value: string, names: readonly string[]): MessageTest {
  return (message) =>
    names.some((name) =>
      header(mailbox, message, name).toLowerCase().includes(value.toLowerCase()),
    );
}

/** Names of system labels in a search that differ from their ids. */
const SYSTEM_LABELS: ReadonlyMap<string, string> = new Map([
  ['chats', 'CHAT'],
  ['drafts', 'DRAFT'],
  ['draft', 'DRAFT'],
]);

/** Returns null for a term that matches every message. */
function labelTest(mailbox: Mailbox, value: string): MessageTest | null {
  const asked = value.toLowerCase();
  if (asked === 'anywhere') return null;
  if (asked === 'read') return (message) => !message.labelIds.includes('UNREAD');
  const id =
    SYSTEM_LABELS.get(asked) ??
    mailbox.labels
      .all()
      .find((label) =>
        [
          label.id.toLowerCase(),
          label.name.toLowerCase(),
          label.name.toLowerCase().replace(/[ /]/g, '-'),
        ].includes(asked),
      )?.id;
  return id === undefined ? () => false : (message) => message.labelIds.includes(id);
}

/** Parses seconds since the epoch, or `2026/01/31` (midnight UTC). */
function dateOf(value: string): number {
  if (/^\d{5,}$/.test(value)) return Number(value) * 1_000;
  const match = /^(\d{4})[/-](\d{1,2})[/-](\d{1,2})$/.exec(value);
  return match === null
    ? Number.NaN
    : Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
}

/** Slow, because it generates and parses the message. Only queries that name a header use it. */
function header(mailbox: Mailbox, message: StoredMessage, name: string): string {
  return decodeWords(headerValue(parseMessage(mailbox.raw(message)).headers, name) ?? '');
}
