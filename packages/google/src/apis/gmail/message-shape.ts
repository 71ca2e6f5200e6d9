/**
 * The shape of a message, checked once where it comes in. Whatever reads a message relies on it:
 * its part tree is synced in full for its bodies, its attachments and its size before anything is
 * known of the message, and a value of another type would end the run of the whole mailbox. An
 * answer that lacks its payload would be stored as an empty mail, and never be read again.
 */
import { type JsonObject, isObject } from '../../shape.js';

/**
 * A message of the `full` format: with a payload, every part of it as documented ("Message" and
 * "MessagePart" of the Gmail API reference).
 */
export function isWholeMessage(message: JsonObject): boolean {
  return isObject(message.payload) && areParts(message.payload) && hasLabels(message);
}

/** Whether the labels of a message are names; a message without any comes without the list. */
export function hasLabels({ labelIds }: JsonObject): boolean {
  return isListOf(labelIds, (label) => typeof label === 'string');
}

/** Nothing here calls itself: the depth of an answer is bounded by its size alone. */
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
