import { GoogleError, type FetchedSources, type Gmail, type GmailMessage } from '@syncline/google';
import type { StepContext } from '../../step.js';
import type { AskedPage, FetchedPage } from './prefetched.js';
import { isAccountWideError } from '../../account-refusal.js';
import type { Answers } from './answers.js';
import { isKept } from './mirror-policy.js';
import type { FetchPlan } from './plan.js';
import { floorMs } from './window.js';

/*
 * The messages' sources, under the policy that keeps them: a second get for each message that is
 * about to be stored. A source that is refused, gone or postponed has the same result as its
 * message, so a message is stored with its source or not at all.
 */

/**
 * The maximum size of messages that one page fetches and its commit writes, unless a single message
 * is larger. Memory holds twice as much, since the next page is fetched meanwhile, and a worker
 * processes dozens of mailboxes concurrently.
 */
const PAGE_SOURCE_BYTES = 8 * 1024 * 1024;
/**
 * Factor for a message without a size estimate (a draft): base64 and line ends, on top of its
 * parts' sizes and a header.
 */
const ENCODED = 1.4;
const HEADER_BYTES = 2_048;
/** Real part trees are less deep; the limit keeps a deeper response from overflowing the stack. */
const DEPTH_LIMIT = 200;

/**
 * Returns the page with its messages' sources, shortened to PAGE_SOURCE_BYTES; the other messages
 * are in `remainder`, to be requested after it.
 * @throws GoogleError only when no source was fetched
 */
export async function withSources(context: StepContext, page: AskedPage): Promise<FetchedPage> {
  if (context.mirror.bodies !== 'raw') return { ...page, remainder: null };
  const { plan, answers } = page;
  const isNeeded = (message: GmailMessage): boolean =>
    isKept(context.mirror, floorMs(context.window), message);
  const kept = plannedFirst(plan, answers.messages.filter(isNeeded));
  const now = kept.slice(0, fitting(kept));
  const left = kept.slice(now.length);
  const sourced = takeSources(
    plan,
    answers,
    now,
    await askFor(context.google.gmail, now, [...answers.failed.values()].find(isAccountWideError)),
  );
  const messages = [
    ...answers.messages.filter((message) => !isNeeded(message)),
    ...sourced.messages,
  ];
  return { ...divided(plan, answers, left), answers: { ...sourced, messages } };
}

/** Returns how many messages fit into a page by their bytes, at least one. */
function fitting(messages: readonly GmailMessage[]): number {
  let bytes = 0;
  const tooMany = messages.findIndex(
    (message, i) => (bytes += bytesOf(message)) > PAGE_SOURCE_BYTES && i > 0,
  );
  return tooMany === -1 ? messages.length : tooMany;
}

/**
 * Returns the page's own items first, in order, then messages that come early and could also come
 * later.
 */
function plannedFirst(plan: FetchPlan, messages: readonly GmailMessage[]): GmailMessage[] {
  const places = new Map(plan.items.map((item, place) => [item.id, place]));
  const placeOf = ({ id }: GmailMessage): number => places.get(id ?? '') ?? plan.items.length;
  return messages.toSorted((a, b) => placeOf(a) - placeOf(b));
}

/** Returns the approximate length of a message's source. */
export function bytesOf({ sizeEstimate, payload }: GmailMessage): number {
  return sizeEstimate ?? Math.ceil(HEADER_BYTES + ENCODED * partBytes(payload ?? {}, 0));
}

function partBytes(part: NonNullable<GmailMessage['payload']>, depth: number): number {
  const below = depth < DEPTH_LIMIT ? (part.parts ?? []) : [];
  return below.reduce((sum, inner) => sum + partBytes(inner, depth + 1), part.body?.size ?? 0);
}

/**
 * Fetches sources. An error of the whole call counts as an error of each source.
 * @param refused set when the grant is refused: no source is then requested
 * @throws GoogleError when it concerns the account
 */
async function askFor(
  gmail: Gmail,
  messages: readonly GmailMessage[],
  refused: GoogleError | undefined,
): Promise<FetchedSources> {
  const asked = messages.map((message) => ({ id: message.id ?? '', bytes: bytesOf(message) }));
  const allFailed = (error: GoogleError): FetchedSources => ({
    sources: [],
    missing: [],
    failed: asked.map(({ id }) => ({ id, error })),
  });
  if (asked.length === 0) return { sources: [], missing: [], failed: [] };
  if (refused) return allFailed(refused);
  return gmail.getSources(asked).catch((error: unknown) => {
    if (!(error instanceof GoogleError) || isAccountWideError(error)) throw error;
    return allFailed(error);
  });
}

/** Returns the responses for these messages after the results of their sources. */
function takeSources(
  plan: FetchPlan,
  answers: Answers,
  messages: readonly GmailMessage[],
  fetched: FetchedSources,
): Answers {
  const sources = new Map(fetched.sources.map(({ id, source }) => [id, source]));
  // The message itself was read a moment ago, for the second time: the message exists without a
  // source.
  const asked = new Set(plan.items.flatMap(({ id, attempts }) => (attempts > 0 ? [id] : [])));
  const [sourceless, missing] = [true, false].map((isAsked) =>
    fetched.missing.filter((id) => asked.has(id) === isAsked),
  ) as [string[], string[]];
  for (const id of sourceless) sources.set(id, null);
  return {
    ...answers,
    messages: messages.filter(({ id }) => id && sources.has(id)),
    sources,
    missing: new Set([...answers.missing, ...missing]),
    failed: new Map([
      ...answers.failed,
      ...fetched.failed.map(({ id, error }) => [id, error] as const),
    ]),
    failedBy: new Map([
      ...answers.failedBy,
      ...fetched.failed.map(({ id }) => [id, 'source'] as const),
    ]),
    worked: { ...answers.worked, source: fetched.sources.length > 0 },
  };
}

/**
 * Returns the plan up to the first item that does not fit, and the page that continues there.
 * Messages that only come early are left to their place on the list.
 */
function divided(
  plan: FetchPlan,
  answers: Answers,
  left: readonly GmailMessage[],
): { plan: FetchPlan; remainder: AskedPage | null } {
  const ids = new Set(left.map(({ id }) => id));
  const at = plan.items.findIndex((item) => ids.has(item.id));
  if (at === -1) return { plan, remainder: null };
  const remainder = {
    plan: { ...plan, items: plan.items.slice(at) },
    answers: { ...answers, messages: [...left] },
  };
  return { plan: { ...plan, items: plan.items.slice(0, at) }, remainder };
}
