/**
 * Alters fields of answers. Google passes through data from elsewhere: imported, migrated or
 * hand-written mail, events of other calendar programs. Examples are NUL characters, halves of
 * surrogate pairs, duplicate part numbers, sizes beyond four bytes, and fields of another type than
 * documented.
 */
import type { Reply } from './reply.js';

type Json = Record<string, unknown>;

export interface Alteration {
  /**
   * The `id` or `resourceName` of the objects to alter, anywhere in an answer; absent: the answer
   * itself.
   */
  item?: string;
  /**
   * A merge patch (RFC 7386) with one addition: applied to an array, an object's keys are indexes.
   * An empty object changes nothing.
   */
  patch: Json;
}

export function altered(reply: Reply, { item, patch }: Alteration): Reply {
  if (reply.status !== 200) return reply;
  const text = reply.body.toString();
  if (item !== undefined && !text.includes(JSON.stringify(item))) return reply;
  const answer = JSON.parse(text) as unknown;
  const changed = item === undefined ? merged(answer, patch) : alteredIn(answer, item, patch);
  return { ...reply, body: Buffer.from(JSON.stringify(changed)) };
}

function alteredIn(value: unknown, item: string, patch: Json): unknown {
  if (Array.isArray(value)) return value.map((one) => alteredIn(one, item, patch));
  if (!isObject(value)) return value;
  if (value['id'] === item || value['resourceName'] === item) return merged(value, patch);
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, alteredIn(inner, item, patch)]),
  );
}

function merged(value: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result = new Map<string, unknown>(
    isObject(value) || Array.isArray(value) ? Object.entries(value) : [],
  );
  for (const [name, inner] of Object.entries(patch))
    if (inner === null) result.delete(name);
    else result.set(name, merged(result.get(name), inner));
  return Array.isArray(value) ? [...result.values()] : Object.fromEntries(result);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
