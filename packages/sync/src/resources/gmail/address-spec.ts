import type { Token } from './address-tokens.js';

/*
 * Reads `local@domain` from tokens (RFC 5322, 3.4.1). Addresses are returned in one form: without
 * comments and white space, the local part quoted only where that is required, everything else
 * unchanged (case, international names). A reader that splits an address at its last @ gets the two
 * parts, and equal addresses are equal texts.
 */

/** An address, and the tokens that it consists of. */
export interface Spec {
  from: number;
  to: number;
  address: string;
}

/**
 * Returns the address around the at sign at index `at`; null when there is none.
 * @param floor the lowest index at which the local part may begin
 * @param isBracketed whether the address is in brackets, where white space beside any dot
 * belongs to it; in bare text (`Acme Inc. info@example.com`) only white space before a dot or
 * around a separate dot does
 */
export function readSpec(
  tokens: readonly Token[],
  at: number,
  floor: number,
  isBracketed: boolean,
): Spec | null {
  const from = localStart(tokens, at, floor, isBracketed);
  const to = domainEnd(tokens, at, isBracketed);
  // With more than one at sign the address is ambiguous.
  if (from === at || to === at + 1 || tokens[from - 1]?.kind === '@' || tokens[to]?.kind === '@')
    return null;
  const local = localPart(tokens, from, at);
  const domain = domainPart(tokens, at + 1, to);
  return local === null || domain === null ? null : { from, to, address: `${local}@${domain}` };
}

function localStart(
  tokens: readonly Token[],
  at: number,
  floor: number,
  isBracketed: boolean,
): number {
  let from = at - 1;
  if (from < floor || !isWord(tokens[from])) return at;
  while (from > floor && areOne(tokens[from - 1], tokens[from], isBracketed)) from--;
  return from;
}

function domainEnd(tokens: readonly Token[], at: number, isBracketed: boolean): number {
  if (tokens[at + 1]?.kind === 'literal') return at + 2;
  if (!isWord(tokens[at + 1])) return at + 1;
  let to = at + 2;
  while (areOne(tokens[to - 1], tokens[to], isBracketed)) to++;
  return to;
}

function isWord(token: Token | undefined): boolean {
  return token?.kind === 'word' || token?.kind === 'quoted';
}

/** Whether two tokens belong to one local part or domain: its words are joined by dots. */
function areOne(left: Token | undefined, right: Token | undefined, isBracketed: boolean): boolean {
  if (left === undefined || right === undefined || !isWord(left) || !isWord(right)) return false;
  if (right.kind === 'word' && right.text.startsWith('.')) return true;
  return (
    left.kind === 'word' &&
    (right.isSpaced && !isBracketed ? left.text === '.' : left.text.endsWith('.'))
  );
}

/**
 * Separators, brackets and invisible characters are not allowed in an address outside of quotes.
 */
const PLAIN = /^[^\s\x00-\x1f\x7f"(),:;<>@[\]\\]+$/;

function localPart(tokens: readonly Token[], from: number, to: number): string | null {
  let text = '';
  let isQuoted = false;
  for (let i = from; i < to; i++) {
    text += tokens[i]?.text ?? '';
    isQuoted ||= tokens[i]?.kind === 'quoted';
  }
  if (!isQuoted) return PLAIN.test(text) ? text : null;
  if (/[\x00-\x1f\x7f]/.test(text)) return null;
  return isDotAtom(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Whether the text is valid without quotes (RFC 5322, 3.2.3). */
function isDotAtom(text: string): boolean {
  return PLAIN.test(text) && !text.startsWith('.') && !text.endsWith('.') && !text.includes('..');
}

function domainPart(tokens: readonly Token[], from: number, to: number): string | null {
  if (tokens[from]?.kind === 'literal') return tokens[from].text;
  let text = '';
  for (let i = from; i < to; i++) {
    if (tokens[i]?.kind === 'quoted') return null;
    text += tokens[i]?.text ?? '';
  }
  return PLAIN.test(text) ? text : null;
}
