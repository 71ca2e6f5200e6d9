/** The parameters of People methods. */
import type { Asked } from '../sim.js';
import type { Reply } from '../http/reply.js';
import { flag } from '../gmail/parameters.js';
import { invalidArgument, invalidMask, maskRequired } from './errors.js';
import { readMask, type Mask } from './fields.js';

/** "Valid values are between 1 and 1000, inclusive" (all three lists). */
const LARGEST_SIZE = 1_000;
/** ReadSourceType. Contacts are always included; the profile is what `sources` decides. */
const SOURCES = [
  'READ_SOURCE_TYPE_PROFILE',
  'READ_SOURCE_TYPE_CONTACT',
  'READ_SOURCE_TYPE_DOMAIN_CONTACT',
  'READ_SOURCE_TYPE_OTHER_CONTACT',
];
const ORDERS = [
  'LAST_MODIFIED_ASCENDING',
  'LAST_MODIFIED_DESCENDING',
  'FIRST_NAME_ASCENDING',
  'LAST_NAME_ASCENDING',
];

export function isReply(value: object): value is Reply {
  return 'contentType' in value;
}

/** Returns the requested size: the default when it is absent or 0. */
export function sizeOf(asked: Asked, fallback: number): number | Reply {
  const text = asked.query.get('pageSize') ?? '';
  if (text === '' || text === '0') return fallback;
  return /^\d{1,4}$/.test(text) && Number(text) <= LARGEST_SIZE ? Number(text) : invalidArgument();
}

/** Returns the mask; `fallback` is used when it is absent, and without one it is required. */
export function maskOf(
  asked: Asked,
  parameter: string,
  valid: readonly string[],
  fallback = '',
): Mask | Reply {
  const given = asked.query.get(parameter) ?? '';
  const mask = readMask(given === '' ? fallback : given, valid);
  if ('invalid' in mask) return invalidMask(parameter, mask.invalid);
  return mask.size === 0 ? maskRequired(parameter) : mask;
}

/** Returns the names of sources, sorted. They may be repeated parameters or separated by commas. */
export function sourcesOf(asked: Asked, fallback: readonly string[]): string[] | Reply {
  const given = asked.query
    .getAll('sources')
    .flatMap((text) => text.split(','))
    .filter((name) => name !== '');
  if (!given.every((name) => SOURCES.includes(name))) return invalidArgument();
  return [...new Set(given.length === 0 ? fallback : given)].sort();
}

export function orderOf(asked: Asked): string | Reply {
  const order = asked.query.get('sortOrder') ?? '';
  if (order === '') return ORDERS[0] as string;
  return ORDERS.includes(order) ? order : invalidArgument();
}

export function wantsSyncToken(asked: Asked): boolean {
  return flag(asked, 'requestSyncToken');
}
