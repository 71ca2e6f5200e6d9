import { attachmentType } from '@syncline/contract';
import type { FreshResult } from '@syncline/control/fresh-reads';
import { fetchAttachment } from '@syncline/control/gmail/attachment';
import type { Answered, OnDemand } from '@syncline/control/gmail/on-demand';
import { fetchSource, sourcePieces } from '@syncline/control/gmail/source';
import type { Google } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import { READ_FROM, type NamedAccount } from '@syncline/store';
import { fileHeaders, inPieces, safeFileName } from '../../v1/file.js';
import { freshly, freshnessHeader } from '../../v1/fresh.js';
import { googleProblem } from '../../v1/google-problem.js';
import { REMOVED, type HandlersOf } from '../../v1/handler.js';
import type { ReadDeps } from '../index.js';

type ContentHandlers = Pick<HandlersOf<'Mail'>, 'messages.source' | 'attachments.get'>;
type SourceRequest = Parameters<ContentHandlers['messages.source']>[0];
type AttachmentRequest = Parameters<ContentHandlers['attachments.get']>[0];

/** Largest source and attachment, which Gmail's own limits are below. */
const LIMIT_BYTES = 52_428_800;
/** A wait for quota and the calls to Google end before the time of a request is over. */
const QUOTA_WAIT_MS = 2_000;
const GOOGLE_MS = 20_000;
/** A client that takes longer for a file that is in memory is cut off. */
const READ_MS = 120_000;

export function contentHandlers(rt: Runtime, deps: ReadDeps): ContentHandlers {
  return {
    'messages.source': (request) =>
      freshly(deps, request, READ_FROM.mail, async (fresh) => {
        const { account, params, query } = request;
        const facts = await deps.store.reads.sourceFacts(account.id, params.messageId);
        if (facts === null) return NO_MESSAGE;
        const headers = await freshnessHeader(deps, request, READ_FROM.mail, fresh);
        if (headers === null) return REMOVED;
        if (facts.bytes !== null) return storedSource(deps, request, facts.bytes, headers);
        if (!query.fetch) return NOT_KEPT;
        return fetchedSource(rt, deps, request, { bytes: facts.sizeEstimate ?? 0, headers });
      }),
    'attachments.get': (request) =>
      freshly(deps, request, READ_FROM.mail, (fresh) => attachment(rt, deps, request, fresh)),
  };
}

type Freshness = { 'Syncline-Freshness': string };

function storedSource(
  deps: ReadDeps,
  { account, params: { messageId } }: SourceRequest,
  bytes: number,
  headers: Freshness,
) {
  return {
    status: 200,
    media: 'message/rfc822',
    stream: async function* (signal: AbortSignal) {
      for await (const piece of sourcePieces(deps, account, messageId, bytes)) {
        if (signal.aborted) return;
        yield piece;
      }
    },
    headers: { ...headers, ...fileHeaders(sourceName(messageId), bytes), ...unitsHeader(0) },
  } as const;
}

async function fetchedSource(
  rt: Runtime,
  deps: ReadDeps,
  request: SourceRequest,
  { bytes, headers }: { bytes: number; headers: Freshness },
) {
  const { messageId } = request.params;
  const fetched = await fromGoogle(rt, deps, request, bytes, async (google, wait) => {
    const { account } = request;
    const source = await fetchSource(rt, { store: deps.store, google }, account, messageId, wait);
    return source.kind === 'found' ? { ...source, data: source.source } : source;
  });
  if ('problem' in fetched) return fetched;
  return {
    status: 200,
    media: 'message/rfc822',
    ...fileOf(rt, fetched, { name: sourceName(messageId), headers }),
  } as const;
}

async function attachment(
  rt: Runtime,
  deps: ReadDeps,
  request: AttachmentRequest,
  fresh: FreshResult | null,
) {
  const { account, params } = request;
  const { messageId, partId } = params;
  const facts = await deps.store.reads.attachmentFacts(account.id, messageId, partId);
  if (facts === null) return NO_ATTACHMENT;
  const headers = await freshnessHeader(deps, request, READ_FROM.mail, fresh);
  if (headers === null) return REMOVED;
  const fetched = await fromGoogle(rt, deps, request, facts.size, async (google, wait) => {
    const part = { messageId, partId };
    const found = await fetchAttachment(rt, { store: deps.store, google }, account, part, wait);
    return found.kind === 'found' ? { ...found, data: found.attachment.data } : found;
  });
  if ('problem' in fetched) return fetched;
  return {
    status: 200,
    media: attachmentType(facts.mimeType),
    ...fileOf(rt, fetched, { name: safeFileName(facts.filename, 'attachment'), headers }),
  } as const;
}

type Fetched =
  | { kind: 'found'; data: Buffer; units: number }
  | { kind: 'no-attachment' | 'no-source' }
  | Exclude<Answered<never>, { kind: 'answered' }>;

interface Held {
  data: Buffer;
  units: number;
  /** Gives the slot back, when the client has the bytes. */
  release: () => void;
}

/** Fetches something within the limits of the process. */
async function fromGoogle(
  rt: Runtime,
  { google, slots }: ReadDeps,
  { account, caller, gone }: Pick<AttachmentRequest, 'account' | 'caller' | 'gone'>,
  bytes: number,
  fetch: (google: Google, wait: OnDemand) => Promise<Fetched>,
) {
  if (bytes > LIMIT_BYTES) return TOO_LARGE;
  if (account.state !== 'active') return notActive(account);
  if (google === null) return NO_GOOGLE;
  const release = await slots.take(caller.keyId, bytes);
  if (release === null) return TOO_MANY;
  try {
    const signal = AbortSignal.any([rt.signal, gone, AbortSignal.timeout(GOOGLE_MS)]);
    const fetched = await fetch(google, { maxQuotaWaitMs: QUOTA_WAIT_MS, signal }).catch(
      (error: unknown) => {
        if (signal.aborted) return 'late' as const;
        throw error;
      },
    );
    const outcome = fetched === 'late' ? LATE : outcomeOf(fetched);
    if ('problem' in outcome) release();
    return 'problem' in outcome ? outcome : { ...outcome, release };
  } catch (error) {
    release();
    throw error;
  }
}

function outcomeOf(fetched: Fetched) {
  switch (fetched.kind) {
    case 'found':
      return fetched.data.length > LIMIT_BYTES ? TOO_LARGE : fetched;
    case 'no-attachment':
    case 'no-source':
      return NO_LONGER;
    case 'not-verified':
      return NOT_VERIFIED;
    case 'not-answered':
      return googleProblem(fetched.error);
  }
}

function fileOf(
  rt: Runtime,
  { data, units, release }: Held,
  { name, headers }: { name: string; headers: Freshness },
) {
  return {
    stream: (signal: AbortSignal) =>
      inPieces(data, signal, { nowMs: () => rt.clock.nowMs(), withinMs: READ_MS }),
    release,
    headers: { ...headers, ...fileHeaders(name, data.length), ...unitsHeader(units) },
  };
}

function unitsHeader(units: number): { 'Syncline-Quota-Units': string } {
  return { 'Syncline-Quota-Units': String(units) };
}

function sourceName(messageId: string): string {
  return safeFileName(`${messageId}.eml`, 'message.eml');
}

function notActive({ state }: NamedAccount) {
  return { problem: 'state-conflict', detail: `The account is ${state}.` } as const;
}

const NO_MESSAGE = { problem: 'not-found', detail: 'There is no such message.' } as const;
const NO_ATTACHMENT = { problem: 'not-found', detail: 'There is no such attachment.' } as const;
const NO_LONGER = { problem: 'not-found', detail: 'Google no longer has it.' } as const;
const NOT_KEPT = {
  problem: 'source-not-kept',
  detail: 'Ask with `fetch=true` to get it from Google, or mirror with MIRROR_BODIES=raw.',
} as const;
const TOO_LARGE = { problem: 'item-too-large', detail: 'It has more than 50 MB.' } as const;
const TOO_MANY = {
  problem: 'too-many-streams',
  detail: 'Too much is fetched from Google at once.',
  retryAfterS: 5,
} as const;
const NO_GOOGLE = {
  problem: 'google-unavailable',
  detail: 'The API has no OAuth client.',
  retryAfterS: 60,
} as const;
const LATE = {
  problem: 'google-unavailable',
  detail: 'Google has not answered in time.',
  retryAfterS: 5,
} as const;
const NOT_VERIFIED = {
  problem: 'state-conflict',
  detail: 'The grant of the account is not known to be its own yet.',
} as const;
