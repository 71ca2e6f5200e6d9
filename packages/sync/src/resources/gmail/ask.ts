import type { FetchedMessages } from '@syncline/google';
import { answered, throwIfTooFew, type Asked } from '../../evidence/ask.js';
import type { StepContext } from '../../step.js';
import { isKept } from './mirror-policy.js';
import { floorMs } from './window.js';

/** @throws GoogleError when too few ids are answered, or the account's quota or grant ends */
export async function askForMessages(
  { google, mirror, window }: StepContext,
  ids: readonly string[],
): Promise<Asked> {
  const { messages, missing, failed } = await google.gmail.getMinimal([...ids]);
  const alive = messages.filter((message) => isKept(mirror, floorMs(window), message)).length;
  const gone = missing.length + messages.length - alive;
  return answered(
    ids.length,
    { alive, gone },
    failed.map(({ error }) => error),
  );
}

/**
 * Requests messages without their contents. A message without an answer is in `failed`; at least
 * half of the messages must be answered.
 * @throws GoogleError when fewer are answered, or when the account's quota or grant ends
 */
export async function askForLabels(
  { google }: StepContext,
  ids: readonly string[],
): Promise<FetchedMessages> {
  if (ids.length === 0) return { messages: [], missing: [], failed: [] };
  const answer = await google.gmail.getMinimal([...ids]);
  throwIfTooFew(
    ids.length,
    answer.messages.length + answer.missing.length,
    answer.failed.map(({ error }) => error),
  );
  return answer;
}
