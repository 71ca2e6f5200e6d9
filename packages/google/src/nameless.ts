/**
 * Items that Google gave without an id. The rest of their page is good; such an item can neither be stored nor asked for again, so the log and a
 * metric say that it was there.
 */
import type { Method } from './costs.js';
import type { Session } from './request.js';
import { type JsonObject, identifiedOf, isIdentified, isObject, listOf } from './shape.js';

/** A list of so many items, of which none has an id, is a broken answer. Of a few the next answer would be the same. */
const BROKEN_LIST = 4;

/** The items of a list that have an id; the others are reported, and counted. @throws MalformedAnswer for what is no list, or names nothing */
export function namedItems(
  session: Session,
  method: Method,
  value: unknown,
  what: string,
): { items: (JsonObject & { id: string })[]; nameless: number } {
  const { identified, nameless } = identifiedOf(value, what, BROKEN_LIST);
  reportNameless(session, method, nameless);
  return { items: identified, nameless: nameless.length };
}

/** The lists of a record of history that say what happened to messages. */
const CHANGES = ['messagesAdded', 'messagesDeleted', 'labelsAdded', 'labelsRemoved'] as const;

/**
 * Records of history. One without an id of its own counts like any other: of that id only the newest position is read. One with a change that names no
 * message, or with labels that are none, becomes a record of a kind that is not typed: every message that it names is to be read again.
 * @throws MalformedAnswer for what is no list
 */
export function namedRecords(session: Session, method: Method, value: unknown): JsonObject[] {
  const items = listOf(value, 'history');
  const nameless = items.flatMap((item, place) => (isWhole(item) ? [] : [place]));
  if (nameless.length === 0) return items.filter(isObject);
  reportNameless(session, method, nameless);
  return items
    .filter(isObject)
    .map((record) => (namesItsMessages(record) ? record : asUntyped(record)));
}

function isWhole(record: unknown): boolean {
  return isIdentified(record) && namesItsMessages(record);
}

function namesItsMessages(record: JsonObject): boolean {
  return (
    CHANGES.every((change) => isListOf(record[change], namesMessage)) &&
    isListOf(record.messages, isNamed)
  );
}

function isListOf(value: unknown, isGood: (item: unknown) => boolean): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.every(isGood));
}

function namesMessage(change: unknown): boolean {
  return isObject(change) && isNamed(change.message) && areLabels(change.labelIds);
}

function isNamed(message: unknown): boolean {
  return isIdentified(message) && areLabels(message.labelIds);
}

function areLabels(labelIds: unknown): boolean {
  return isListOf(labelIds, (label) => typeof label === 'string');
}

function asUntyped(record: JsonObject): JsonObject {
  const changed = CHANGES.flatMap((change) =>
    itemsOf(record[change]).map((item) => (isObject(item) ? item.message : null)),
  );
  return {
    ...(isIdentified(record) ? { id: record.id } : {}),
    messages: [...itemsOf(record.messages), ...changed]
      .filter(isIdentified)
      .map(({ id }) => ({ id })),
  };
}

function itemsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Places that one line of the log names. */
const PLACES_NAMED = 10;

/** @param places of the items in Google's list, from 0 */
function reportNameless(
  { rt, accountId }: Session,
  method: Method,
  places: readonly number[],
): void {
  if (places.length === 0) return;
  rt.metrics.itemsWithoutId.inc({ method }, places.length);
  rt.log.warn(
    {
      event: 'items_without_id',
      accountId,
      method,
      items: places.length,
      places: places.slice(0, PLACES_NAMED),
    },
    'Google gave items without an id; all others of their page are taken',
  );
}
