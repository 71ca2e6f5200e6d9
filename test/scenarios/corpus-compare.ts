import type { ExportedMessage } from '@syncline/store';
import type { MailAddresses } from '../../packages/sync/src/resources/gmail/addresses.js';
import {
  simpleParser,
  type AddressObject,
  type ParsedMail,
  type SimpleParserOptions,
} from 'mailparser';

/*
 * A row of the mirror beside what mailparser reads from the bytes of the same mail, as pairs of strings that should be equal.
 *
 * Four things are made equal first, since they are no content: line ends (\n), white space at the ends of lines and of the whole text
 * (transfer encodings add and drop it), the white space at which a header was folded, and the case of addresses.
 */

export type Field = 'subject' | 'from' | 'to' | 'cc' | 'names' | ListField | 'text' | 'html';
/** Of the column `addresses`. */
type ListField = `${(typeof LISTS)[number][1]}-list`;
const LISTS = [
  ['from', 'from'],
  ['to', 'to'],
  ['cc', 'cc'],
  ['bcc', 'bcc'],
  ['replyTo', 'reply-to'],
  ['sender', 'sender'],
] as const;

export interface Pair {
  field: Field;
  ours: string;
  theirs: string;
}

/** Nothing that mailparser makes up: no text out of html or html out of text, no links, no pictures in them, no delivery status as text. */
const OPTIONS: SimpleParserOptions & { keepDeliveryStatus: boolean } = {
  skipHtmlToText: true,
  skipTextToHtml: true,
  skipImageLinks: true,
  skipTextLinks: true,
  keepDeliveryStatus: true,
};

/** @param column the row's column of that name, which `export` leaves out */
export async function compare(
  row: ExportedMessage,
  column: MailAddresses,
  bytes: Buffer,
): Promise<Pair[]> {
  const mail = await simpleParser(bytes, OPTIONS);
  return [
    { field: 'subject', ours: unfolded(row.subject), theirs: unfolded(mail.subject) },
    { field: 'from', ours: addresses(row.from), theirs: theirAddresses(mail.from) },
    { field: 'to', ours: addresses(row.to), theirs: theirAddresses(mail.to) },
    { field: 'cc', ours: addresses(row.cc), theirs: theirAddresses(mail.cc) },
    { field: 'names', ours: '', theirs: namesThatWeLack(row, mail) },
    ...LISTS.map(([key, header]): Pair => ({
      field: `${header}-list`,
      ours: listed(column[key] ?? []),
      theirs: theirList(mail, header),
    })),
    { field: 'text', ours: plain(row.text), theirs: plain(mail.text) },
    { field: 'html', ours: plain(row.html), theirs: plain(mail.html || '') },
  ];
}

function plain(text: string | null | undefined): string {
  return (text ?? '')
    .replace(/\r\n?/g, '\n')
    .replace(/[ \t]+$/gm, '')
    .trim();
}

function unfolded(text: string | null | undefined): string {
  return (text ?? '').replace(/\s+/g, ' ').trim();
}

/**
 * The addresses that a header's value names, in order. The row has the value as one string with its encoded words decoded, so display
 * names may hold commas; text in quotes or in a comment is no address, and beside <…> the rest of an entry is its name.
 */
function addresses(value: string | null): string {
  const bare = (value ?? '').replace(/"(?:[^"\\]|\\.)*"|\([^()]*\)/g, ' ');
  return bare
    .split(/[,;]/)
    .flatMap(
      (entry) => (/<[^<>]*>/.exec(entry)?.[0] ?? entry).match(/[^\s<>:"()]+@[^\s<>:"()]+/g) ?? [],
    )
    .join(' ')
    .toLowerCase();
}

function theirAddresses(given: AddressObject | AddressObject[] | undefined): string {
  return addresses(
    entriesOf(given)
      .map(({ address }) => address ?? '')
      .join(', '),
  );
}

/** The display names that mailparser reads and that our header values do not show, in the order of the headers. */
function namesThatWeLack(row: ExportedMessage, mail: ParsedMail): string {
  const ours = letters([row.from, row.to, row.cc].join(' '));
  const theirs = [mail.from, mail.to, mail.cc].flatMap(entriesOf).map(({ name }) => name ?? '');
  return theirs.filter((name) => !ours.includes(letters(name))).join(', ');
}

/** Groups are their members, in both. */
function theirList(mail: ParsedMail, header: string): string {
  const entries = entriesOf(
    mail.headers.get(header) as AddressObject | AddressObject[] | undefined,
  );
  return listed(entries.filter((entry) => !('group' in entry)));
}

/** Who is named, with the name first. */
function listed(
  entries: readonly { name?: string | null | undefined; address?: string | null | undefined }[],
): string {
  return entries
    .map(({ name, address }) => `${letters(name ?? '')} ${(address ?? '').toLowerCase()}`.trim())
    .join(', ');
}

/** Quoting and white space of names are spelling. */
function letters(text: string): string {
  return text.replace(/[\s"'\\]/g, '');
}

function entriesOf(
  given: AddressObject | AddressObject[] | undefined,
): { address?: string | undefined; name?: string | undefined }[] {
  return [given ?? []]
    .flat()
    .flatMap(({ value }) => value.flatMap((entry) => [entry, ...(entry.group ?? [])]));
}
