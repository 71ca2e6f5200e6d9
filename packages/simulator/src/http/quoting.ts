/**
 * Refusals that quote the request, as Google's do: "Delegation denied for ADDRESS", "Invalid field
 * selection NAME", "Channel 'ID' not found". A request may contain anything, and so may such a
 * message.
 */
import type { Reply } from './reply.js';

/** Returns the reply with `text` in each of its messages. An empty text changes nothing. */
export function quoting(reply: Reply, text: string): Reply {
  if (text === '') return reply;
  const body = reply.body.toString();
  return {
    ...reply,
    body: Buffer.from(
      reply.contentType.startsWith('application/json')
        ? JSON.stringify(inMessages(JSON.parse(body), text))
        : `${body}<p>${text}\n`,
    ),
  };
}

const MESSAGES = ['message', 'error_description'];

function inMessages(value: unknown, text: string): unknown {
  if (Array.isArray(value)) return value.map((one) => inMessages(one, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      MESSAGES.includes(name) && typeof inner === 'string'
        ? `${inner}: ${text}`
        : inMessages(inner, text),
    ]),
  );
}
