/**
 * Items that Google returned without an id. The rest of their page is valid. Such an item can
 * neither be stored nor requested again, so it is logged and counted in a metric.
 */
import type { Method } from './costs.js';
import type { Session } from './request.js';
import { type JsonObject, identifiedOf, isIdentified, isObject, listOf } from './shape.js';

/**
 * A list of at least this many items without a single id is a malformed response. For fewer items a
 * repeated request would return the same.
 */
const BROKEN_LIST = 4;

/**
 * Returns the items of a list that have an id; the others are reported and counted.
 * @throws MalformedAnswer when the value is not a list, or no item has an id
 */
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

/** The lists in a history record that describe changes of messages. */
const CHANGES = ['messagesAdded', 'messagesDeleted', 'labelsAdded', 'labelsRemoved'] as const;

/**
 * Returns history records. A record without an id of its own is valid, because of the ids only the
 * newest position is read. A record with a change that names no message, or with malformed labels,
 * becomes an untyped record: every message that it names is fetched again.
 * @throws MalformedAnswer when the value is not a list
 */
export function readHistoryRecords(session: Session, method: Method, value: unknown): JsonObject[] {
  const items = listOf(value, 'history');
  const nameless = items.flatMap((item, place) => (isCompleteRecord(item) ? [] : [place]));
  if (nameless.length === 0) return items.filter(isObject);
  reportNameless(session, method, nameless);
  return items
    .filter(isObject)
    .map((record) => (hasValidMessages(record) ? record : asUntyped(record)));
}

/**
 * What distinguishes a history record from others: its id, or the messages that it names. Not its whole
 * text: it may be nested too deeply to be written.
 */
export function recordKey(record: JsonObject): string {
  if (typeof record.id === 'string') return record.id;
  return [...CHANGES, 'messages'].map((list) => `${list} ${namedIn(record[list])}`).join('; ');
}

function namedIn(list: unknown): string {
  const messages = itemsOf(list)
    .filter(isObject)
    .map((item) => item.message ?? item);
  return messages.map((message) => (isIdentified(message) ? message.id : '')).join();
}

function isCompleteRecord(record: unknown): boolean {
  return isIdentified(record) && hasValidMessages(record);
}

function hasValidMessages(record: JsonObject): boolean {
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

/** The largest number of positions in one log line. */
const PLACES_NAMED = 10;

/** @param places positions of the items in Google's list, from 0 */
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
    'Google returned items without an id; the other items of the page are processed',
  );
}
