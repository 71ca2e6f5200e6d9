/** Partial responses: `fields=a,b(c,d),e/f`, with `*` for all fields of a level. */
export interface FieldMask {
  readonly [field: string]: FieldMask | true;
}

/**
 * The allowed fields of a response, used to refuse selectors of unknown fields; `true` allows any
 * sub-selection.
 */
export type Shape = { readonly [field: string]: Shape | true | (() => Shape) };

export type ParsedFields = { ok: true; mask: FieldMask } | { ok: false; selector: string };

const DEPTH_LIMIT = 32;

/**
 * Parses and checks a selector. Google answers 400 when one is malformed or names an unknown field.
 */
export function parseFields(text: string): ParsedFields {
  const cursor = { text: text.replace(/\s/g, ''), at: 0 };
  const mask = parseList(cursor, 0);
  return mask === null || cursor.at !== cursor.text.length
    ? { ok: false, selector: text }
    : { ok: true, mask };
}

/** Returns the first field of the mask that the shape does not have, or null. */
export function unknownField(mask: FieldMask, shape: Shape): string | null {
  for (const [field, inner] of Object.entries(mask)) {
    if (field === '*') continue;
    const known = own(shape, field);
    if (known === undefined) return field;
    const deeper = typeof known === 'function' ? known() : known;
    const missing = inner === true || deeper === true ? null : unknownField(inner, deeper);
    if (missing !== null) return missing;
  }
  return null;
}

/** Returns the fields that the mask selects; lists are masked item by item. */
export function applyFields(value: unknown, mask: FieldMask): unknown {
  if (Array.isArray(value)) return value.map((item) => applyFields(item, mask));
  if (value === null || typeof value !== 'object') return value;
  const all = mask['*'];
  return Object.fromEntries(
    Object.entries(value).flatMap(([field, inner]) => {
      const asked = own(mask, field) ?? all;
      if (asked === undefined) return [];
      return [[field, asked === true ? inner : applyFields(inner, asked)]];
    }),
  );
}

/** Ignores inherited properties, because a caller may ask for `constructor`. */
function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

interface Cursor {
  readonly text: string;
  at: number;
}

function parseList(cursor: Cursor, depth: number): FieldMask | null {
  const mask = new Map<string, FieldMask | true>();
  for (;;) {
    const name = /^(?:\*|[A-Za-z_$][\w$-]*)/.exec(cursor.text.slice(cursor.at))?.[0];
    if (name === undefined || depth > DEPTH_LIMIT) return null;
    cursor.at += name.length;
    const inner = parseInner(cursor, depth);
    if (inner === null) return null;
    mask.set(name, merge(mask.get(name), inner));
    if (cursor.text[cursor.at] !== ',') return Object.fromEntries(mask);
    cursor.at += 1;
  }
}

/** Parses what follows a name: `/path`, `(list)` or nothing. */
function parseInner(cursor: Cursor, depth: number): FieldMask | true | null {
  const sign = cursor.text[cursor.at];
  if (sign === '/') {
    cursor.at += 1;
    const name = /^(?:\*|[A-Za-z_$][\w$-]*)/.exec(cursor.text.slice(cursor.at))?.[0];
    if (name === undefined || depth > DEPTH_LIMIT) return null;
    cursor.at += name.length;
    const inner = parseInner(cursor, depth + 1);
    return inner === null ? null : { [name]: inner };
  }
  if (sign !== '(') return true;
  cursor.at += 1;
  const list = parseList(cursor, depth + 1);
  if (list === null || cursor.text[cursor.at] !== ')') return null;
  cursor.at += 1;
  return list;
}

function merge(one: FieldMask | true | undefined, two: FieldMask | true): FieldMask | true {
  if (one === undefined) return two;
  if (one === true || two === true) return true;
  const both = new Map(Object.entries(one));
  for (const [field, inner] of Object.entries(two)) both.set(field, merge(both.get(field), inner));
  return Object.fromEntries(both);
}
