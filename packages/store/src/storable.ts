import { createHash } from 'node:crypto';
import { comparableAddress } from '@syncline/runtime';
import { cleanSerialised, cleanText } from './clean-text.js';

/*
 * The values that a column can store. Every row passes `storable` when it is parsed: stored texts
 * are cleaned and stored numbers are clamped in one place, by tables that name every field
 * (`storable.ts` of each resource). Comparisons of the mirror with Google use the same functions.
 *
 * Ids, page tokens and sync positions are never cleaned, because a cleaned id names another item.
 * An item whose id cannot be stored is quarantined under a substitute, a digest of its id.
 */

/**
 * An index entry holds 2,704 bytes, and two ids share one (an event's with its calendar's, a
 * message's with its label's). Google's longest documented ids, of events, have 1,024 characters,
 * and those of their occurrences 17 more.
 */
const MAX_ID_BYTES = 1_280;
/** UTF-8 needs at most three bytes for a UTF-16 code unit. */
const SURELY_SHORT = Math.floor(MAX_ID_BYTES / 3);

/** Whether Postgres can store this text as an id without a change. */
export function isStorableId(id: string): boolean {
  return idFault(id) === null;
}

/** Whether an address and its comparable form, which may have more bytes, can be stored. */
export function isStorableAddress(address: string): boolean {
  return isStorableId(address) && isStorableId(comparableAddress(address));
}

/**
 * Returns the reason why an id cannot be stored, for people and without the id; null when it can.
 */
function idFault(id: unknown): string | null {
  if (typeof id !== 'string') return 'it is not a text';
  if (id.includes('\0')) return 'it contains a NUL character';
  if (!id.isWellFormed()) return 'it contains half of a surrogate pair';
  if (id.length > SURELY_SHORT && Buffer.byteLength(id) > MAX_ID_BYTES)
    return `it is longer than ${MAX_ID_BYTES} bytes`;
  return null;
}

const STAND_IN = 'unstorable-';

/**
 * Returns the id itself when it can be stored, otherwise a digest of it that can. The digest is
 * always the same.
 */
export function quarantineId(id: string): string {
  if (isStorableId(id)) return id;
  // Uses UTF-16, because UTF-8 cannot encode half of a surrogate pair.
  return STAND_IN + createHash('sha256').update(Buffer.from(id, 'utf16le')).digest('hex');
}

/** LIKE pattern of the substitutes. Google cannot be asked for these ids. */
export const STAND_IN_PATTERN = `${STAND_IN}%`;

/**
 * The kind of a field, which determines how it is cleaned or clamped. A question mark allows null,
 * which replaces invalid values. A function handles a field with its own format.
 */
type Field =
  | 'id'
  | 'id?'
  | 'ids'
  | 'text'
  | 'text?'
  | 'json'
  | 'bytes?'
  | 'boolean'
  | 'int8'
  | 'size'
  | 'size?'
  | 'instant?'
  | ((value: unknown) => unknown);

/** One entry for each field of a row. */
export type Fields<Row> = Record<keyof Row, Field>;

/** @param what the kind of the item's id, for the reason */
export function faultOf(what: string, id: unknown): string | null {
  const fault = idFault(id);
  return fault === null ? null : `its ${what} cannot be stored: ${fault}`;
}

export function faultOfAny(what: string, ids: readonly string[]): string | null {
  for (const id of ids) {
    const fault = faultOf(what, id);
    if (fault !== null) return fault;
  }
  return null;
}

/**
 * Returns the row with every text cleaned and every number clamped. Ids are not changed; `faultOf`
 * checks them.
 */
export function storable<Row extends object>(row: Row, fields: Fields<Row>): Row {
  const cleaned: Record<string, unknown> = {};
  for (const name in fields) cleaned[name] = storableValue(row[name], fields[name]);
  return cleaned as Row;
}

function storableValue(value: unknown, field: Field): unknown {
  return typeof field === 'function' ? field(value) : STORED_FORM[field](value);
}

const unchanged = (value: unknown): unknown => value;

const STORED_FORM: Record<Extract<Field, string>, (value: unknown) => unknown> = {
  id: unchanged,
  'id?': unchanged,
  ids: unchanged,
  'bytes?': unchanged,
  text: (value) => textOf(value) ?? '',
  'text?': textOf,
  json: (value) => cleanSerialised(value as string),
  boolean: (value) => value === true,
  int8: (value) => clampInt8(value as bigint),
  size: (value) => clampSize(value) ?? 0,
  'size?': clampSize,
  'instant?': clampInstant,
};

/** Returns the text that Google sent; null when it is not a string. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'string') return cleanText(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

const INT4_MAX = 2_147_483_647;
const INT8_MAX = 9_223_372_036_854_775_807n;

/** Returns a number of bytes that fits into an int4; null for invalid values. */
function clampSize(value: unknown): number | null {
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0) return null;
  return Math.min(INT4_MAX, Math.trunc(value));
}

function clampInt8(value: bigint): bigint {
  if (value > INT8_MAX) return INT8_MAX;
  return value < -INT8_MAX ? -INT8_MAX : value;
}

/** Clamps a count or position that is stored in an int8 column. */
export function clampCount(value: number): number {
  return Number.isNaN(value)
    ? 0
    : Math.trunc(Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, value)));
}

/**
 * A timestamptz holds the years 4713 BC to 294276. Values outside of JavaScript's own range cannot
 * be converted.
 */
const MIN_INSTANT_MS = -2.1e14;
const MAX_INSTANT_MS = 8.64e15;

/** Returns milliseconds since the epoch; null for values that do not fit into a timestamptz. */
export function clampInstant(value: unknown): number | null {
  return typeof value === 'number' && value >= MIN_INSTANT_MS && value <= MAX_INSTANT_MS
    ? Math.trunc(value)
    : null;
}
