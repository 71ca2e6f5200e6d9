import { jsonReply, PLAIN, type Reply } from './reply.js';

/** An error of the OAuth endpoints: a code and its fields. */
export function oauthError(
  status: number,
  error: string,
  more: Readonly<Record<string, string>>,
): Reply {
  return jsonReply({ error, ...more }, PLAIN, status);
}
