import { randomBytes } from 'node:crypto';

/*
 * Test values in the place of secrets and personal data, and the search for them where they must
 * not occur. Each begins with a mark that occurs nowhere else, so that one search finds all of
 * them, in any form in which a program may write them; the text after the mark identifies the
 * value.
 */

/** `secret`: tokens, keys, passwords. `personal`: people's texts and names. */
export type Kind = 'secret' | 'personal';

export interface Leak {
  kind: Kind;
  /** `raw`, `hex`, `base64` or `url`. */
  form: string;
  /** The surrounding text, for the message of a failing test. */
  near: string;
}

export interface Canaries {
  /** Returns a value to search for: the mark of its kind, followed by `what` (letters only). */
  secret(what: string): string;
  personal(what: string): string;
  /**
   * Adds a value that a program has generated, like a channel's token; it is searched for
   * unchanged.
   */
  alsoSecret(value: string): void;
  /** Returns every occurrence of these kinds in a text, at most 20. */
  leaksIn(text: string, kinds?: readonly Kind[]): Leak[];
}

/** One form in which a value may occur in a text. */
interface Needle {
  kind: Kind;
  form: string;
  text: string;
  /** Searched for without regard to case. */
  anyCase: boolean;
}

const MARK_LETTERS = 14;
const LEAKS_LIMIT = 20;
const NEAR = 30;

export function makeCanaries(): Canaries {
  const marks = { secret: newMark(), personal: newMark() };
  const needles = [...needlesOf('secret', marks.secret), ...needlesOf('personal', marks.personal)];
  return {
    secret: (what) => marks.secret + what,
    personal: (what) => marks.personal + what,
    alsoSecret: (value) => void needles.push(...needlesOf('secret', value)),
    leaksIn: (text, kinds = ['secret', 'personal']) =>
      search(
        text,
        needles.filter(({ kind }) => kinds.includes(kind)),
      ),
  };
}

/**
 * Returns a mark of lower-case letters: they are unchanged in URLs, JSON and headers, and their
 * base64 has no `+` and no `/`.
 */
function newMark(): string {
  return [...randomBytes(MARK_LETTERS)]
    .map((byte) => String.fromCharCode(97 + (byte % 26)))
    .join('');
}

function needlesOf(kind: Kind, value: string): Needle[] {
  const bytes = Buffer.from(value);
  const needle = (form: string, text: string, anyCase = false): Needle => ({
    kind,
    form,
    text: anyCase ? text.toLowerCase() : text,
    anyCase,
  });
  const base64 = [0, 1, 2].map((offset) => base64Within(bytes, offset));
  const url = encodeURIComponent(value);
  return [
    needle('raw', value, true),
    needle('hex', bytes.toString('hex'), true),
    ...(url === value ? [] : [needle('url', url, true)]),
    ...base64.map((text) => needle('base64', text)),
    ...base64
      .map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
      .filter((text) => !base64.includes(text))
      .map((text) => needle('base64', text)),
  ];
}

/**
 * Returns the characters of the bytes within the base64 of a longer text, `offset` bytes after a
 * boundary of three.
 */
function base64Within(bytes: Buffer, offset: number): string {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes]);
  const bits = { from: offset * 8, to: whole.length * 8 };
  return whole.toString('base64').slice(Math.ceil(bits.from / 6), Math.floor(bits.to / 6));
}

function search(text: string, needles: readonly Needle[]): Leak[] {
  const lower = text.toLowerCase();
  const found: Leak[] = [];
  for (const { kind, form, text: sought, anyCase } of needles) {
    const within = anyCase ? lower : text;
    for (
      let at = within.indexOf(sought);
      at >= 0;
      at = within.indexOf(sought, at + sought.length)
    ) {
      const near = text.slice(Math.max(0, at - NEAR), at + sought.length + NEAR);
      found.push({ kind, form, near });
      if (found.length >= LEAKS_LIMIT) return found;
    }
  }
  return found;
}
