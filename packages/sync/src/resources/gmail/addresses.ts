import { readSpec } from './address-spec.js';
import { tokensOf, type Token } from './address-tokens.js';
import { decodeHeader } from './encoded-words.js';

/*
 * Parses address headers into mailboxes (RFC 5322, 3.4, the obsolete forms of 4.4, and common
 * deviations). docs/reference/tables.md lists the result for each form. The parser passes over the
 * tokens once, forwards; text that it has taken out of brackets is not parsed as bracketed again.
 * Rejected: mailparser's parser, which takes minutes for a header of 130 KB and accepts the content
 * of any brackets as an address.
 */

/**
 * The content of `gmail_messages.addresses`: the people that a message's headers name. A header
 * that the message does not have has no key here; a header without an address has an empty list.
 */
export type MailAddresses = Partial<
  Record<'from' | 'to' | 'cc' | 'bcc' | 'replyTo' | 'sender', MailAddress[]>
>;

export interface MailAddress {
  /** Decoded display name; null when there is none. */
  name: string | null;
  /**
   * `local@domain` with its original case; null when the text is not an address. In that case
   * `name` is the text.
   */
  address: string | null;
  /** Name of the group that the address is a member of. */
  group?: string;
}

/**
 * The length of a header's value that is read; the rest of a longer one is cut off. A thousand
 * recipients take some 50,000 characters.
 */
const MAX_VALUE_CHARS = 262_144;
/**
 * The maximum for one field of a message: ten times the recipients that Gmail allows for a message.
 */
const MAX_ADDRESSES = 5_000;

const FIELDS = new Map<string, keyof MailAddresses>([
  ['from', 'from'],
  ['to', 'to'],
  ['cc', 'cc'],
  ['bcc', 'bcc'],
  ['reply-to', 'replyTo'],
  ['sender', 'sender'],
]);
/**
 * Most headers are not address headers, and the length of the name already rules out most of them.
 */
const LENGTHS = new Set([...FIELDS.keys()].map(({ length }) => length));

/**
 * Returns the mailboxes that a message's headers name, in the form of the column. Repeated headers
 * are merged into one field; absent headers have no key.
 */
export function addressesIn(
  headers: readonly { name?: string | null; value?: string | null }[],
): MailAddresses {
  const addresses: MailAddresses = {};
  for (const { name, value } of headers) {
    const field = name && LENGTHS.has(name.length) ? FIELDS.get(name.toLowerCase()) : undefined;
    if (field === undefined) continue;
    const list = (addresses[field] ??= []);
    if (list.length >= MAX_ADDRESSES) continue;
    for (const found of parseAddressList(value ?? ''))
      if (list.length < MAX_ADDRESSES) list.push(found);
  }
  return addresses;
}

/**
 * Parses an address header's raw value, with its encoded words not yet decoded. Never throws: text
 * without an address becomes a name without one.
 * @returns the mailboxes in the order of the value, including the members of groups
 */
export function parseAddressList(value: string): MailAddress[] {
  const isCut = value.length > MAX_VALUE_CHARS;
  const list: List = { found: [], group: null, entry: newEntry() };
  for (const token of tokensOf(isCut ? value.slice(0, MAX_VALUE_CHARS) : value, isCut)) {
    if (list.found.length >= MAX_ADDRESSES) return list.found;
    if (list.entry.isOpen) takeInBrackets(list, token);
    else take(list, token);
  }
  // A truncated address could be another valid one, so a cut-off entry is left out.
  if (!isCut) endEntry(list);
  return list.found;
}

interface List {
  readonly found: MailAddress[];
  group: string | null;
  entry: Entry;
}

/** The tokens between two separators. */
interface Entry {
  readonly words: Token[];
  hasAt: boolean;
  /** The content of the brackets, if there are any. */
  bracket: Token[] | null;
  /** The brackets are not closed yet. */
  isOpen: boolean;
  /** The words after the brackets. */
  readonly after: Token[];
  readonly comments: Token[];
}

function newEntry(words: Token[] = []): Entry {
  return { words, hasAt: words.some(isAt), bracket: null, isOpen: false, after: [], comments: [] };
}

function take(list: List, token: Token): void {
  const { entry } = list;
  switch (token.kind) {
    case ',':
      return endEntry(list);
    case ';':
      // The end of a group, or the separator that Outlook uses between addresses.
      endEntry(list);
      list.group = null;
      return;
    case ':':
      if (entry.bracket !== null || entry.hasAt) return keep(entry, token);
      list.group = nameOf(entry.words);
      list.entry = newEntry();
      return;
    case '<':
      return openBracket(list);
    case '>':
      return;
    case 'comment':
      entry.comments.push(token);
      return;
    default:
      return keep(entry, token);
  }
}

function keep(entry: Entry, token: Token): void {
  entry.hasAt ||= isAt(token);
  (entry.bracket === null ? entry.words : entry.after).push(token);
}

/**
 * Handles an opening bracket. A second pair of brackets without a comma between is a second
 * mailbox, named by the text between the two.
 */
function openBracket(list: List): void {
  const { entry } = list;
  if (entry.bracket !== null) {
    const words = entry.after.splice(0);
    endEntry(list);
    list.entry = newEntry(words);
  }
  list.entry.bracket = [];
  list.entry.isOpen = true;
}

function takeInBrackets(list: List, token: Token): void {
  const { entry } = list;
  const bracket = entry.bracket ?? [];
  switch (token.kind) {
    case '>':
      entry.isOpen = false;
      return;
    case '<':
      return restartBracket(entry, bracket);
    case ',':
    case ';':
      return takeSeparatorInBrackets(list, bracket, token);
    case ':':
      if (isRoute(bracket) || isScheme(bracket)) entry.bracket = [];
      else bracket.push(token);
      return;
    case 'comment':
      entry.comments.push(token);
      return;
    default:
      bracket.push(token);
  }
}

/**
 * Handles another opening bracket within brackets: the last one counts, as in `Ada <3
 * <ada@example.com>`.
 */
function restartBracket(entry: Entry, bracket: readonly Token[]): void {
  if (bracket.length > 0) entry.words.push(LEFT);
  for (const word of bracket) entry.words.push(word);
  entry.bracket = [];
}

/**
 * Handles a separator within brackets: a route may contain commas; otherwise the closing bracket is
 * missing.
 */
function takeSeparatorInBrackets(list: List, bracket: Token[], token: Token): void {
  if (token.kind === ',' && isRoute(bracket)) bracket.push(token);
  else take(list, token);
}

function isRoute(bracket: readonly Token[]): boolean {
  return bracket[0]?.kind === '@';
}

/** Whether the bracket begins with a scheme, as in `<mailto:ada@example.com>`. */
function isScheme(bracket: readonly Token[]): boolean {
  return bracket.length === 1 && bracket[0]?.text.toLowerCase() === 'mailto';
}

function endEntry(list: List): void {
  const { words, bracket, after, comments } = list.entry;
  list.entry = newEntry();
  if (bracket === null) return addBare(list, words, comments);
  if (bracket.length === 0) return addBare(list, words.concat(after), comments);
  const address = addressOf(bracket);
  if (address === null) {
    add(list, nameOf(words.concat(LEFT, bracket, RIGHT, after)), null);
    return;
  }
  const isNamedAfter = !after.some(isAt);
  add(list, nameOf(words) ?? (isNamedAfter ? nameOf(after) : null) ?? nameOf(comments), address);
  if (!isNamedAfter) addBare(list, after, []);
}

const LEFT: Token = { kind: '<', text: '<', isSpaced: true };
const RIGHT: Token = { kind: '>', text: '>', isSpaced: false };

/** Returns the address in the brackets, if they contain nothing else. */
function addressOf(bracket: readonly Token[]): string | null {
  const spec = readSpec(bracket, bracket.findIndex(isAt), 0, true);
  return spec?.from === 0 && spec.to === bracket.length ? spec.address : null;
}

/**
 * Adds the mailboxes of text without brackets. The words before an address are its name; without
 * any, the words after the last address are. `ada@example.com grace@example.com` are two mailboxes.
 */
function addBare(list: List, words: readonly Token[], comments: readonly Token[]): void {
  let from = 0;
  let last: MailAddress | null = null;
  for (let at = 0; at < words.length; at++) {
    const spec = words[at]?.kind === '@' ? readSpec(words, at, from, false) : null;
    if (spec === null) continue;
    last = add(list, nameOf(words.slice(from, spec.from)), spec.address);
    from = spec.to;
    at = spec.to - 1;
  }
  if (from === 0) add(list, nameOf(words), null);
  else if (last) last.name ??= nameOf(words.slice(from)) ?? nameOf(comments);
}

function isAt(token: Token): boolean {
  return token.kind === '@';
}

function add(
  { found, group }: List,
  name: string | null,
  address: string | null,
): MailAddress | null {
  if ((name === null && address === null) || found.length >= MAX_ADDRESSES) return null;
  const mailbox: MailAddress = group === null ? { name, address } : { name, address, group };
  found.push(mailbox);
  return mailbox;
}

/** Characters that decoding may introduce and that a line of text cannot show. */
const UNTIDY = /[\x00-\x1f\x7f]| {2}/;

/**
 * Returns words as a person reads them, with encoded words decoded, quoted ones as well, since many
 * senders quote them.
 */
function nameOf(words: readonly Token[]): string | null {
  let text = '';
  for (const word of words) text += word.isSpaced && text !== '' ? ` ${word.text}` : word.text;
  if (text === '') return null;
  const decoded = decodeHeader(text);
  const name = (UNTIDY.test(decoded) ? decoded.replace(/[\x00-\x20\x7f]+/g, ' ') : decoded).trim();
  return name === '' ? null : name;
}
