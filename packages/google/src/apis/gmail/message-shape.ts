/**
 * Checks the shape of a message once, when it is received; all later code relies on it. Bodies,
 * attachments and size are read from the whole part tree, and a value of another type would end the
 * run of the whole mailbox. An answer without a payload would be stored as an empty message and
 * never be fetched again.
 */
import { type JsonObject, isObject } from '../../shape.js';

/**
 * Whether this is a complete message of the `full` format: it has a payload, and every part is as
 * documented ("Message" and "MessagePart" of the Gmail API reference).
 */
export function isCompleteMessage(message: JsonObject): boolean {
  return isObject(message.payload) && areParts(message.payload) && hasLabels(message);
}

/**
 * Whether the labels of a message are strings. Google omits the list for a message without labels.
 */
export function hasLabels({ labelIds }: JsonObject): boolean {
  return isListOf(labelIds, (label) => typeof label === 'string');
}

/** Not recursive, because only the size of an answer bounds its depth. */
function areParts(root: JsonObject): boolean {
  const open = [root];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (!isPart(part)) return false;
    if (Array.isArray(part.parts)) for (const inner of part.parts) open.push(inner);
  }
  return true;
}

function isPart({ mimeType, filename, headers, body, parts }: JsonObject): boolean {
  return (
    isText(mimeType) &&
    isText(filename) &&
    isListOf(headers, isHeader) &&
    isBody(body) &&
    isListOf(parts, isObject)
  );
}

function isHeader(header: unknown): boolean {
  return isObject(header) && isText(header.name) && isText(header.value);
}

function isBody(body: unknown): boolean {
  if (isAbsent(body)) return true;
  if (!isObject(body)) return false;
  const { attachmentId, data, size } = body;
  return isText(attachmentId) && isText(data) && (isAbsent(size) || typeof size === 'number');
}

function isText(value: unknown): boolean {
  return typeof value === 'string' || isAbsent(value);
}

function isListOf(value: unknown, isGood: (item: unknown) => boolean): boolean {
  return isAbsent(value) || (Array.isArray(value) && value.every(isGood));
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
