import { waitMs, type TextStream } from '@syncline/contract';
import { changeDocument, type FeedReader } from '@syncline/control/feed';
import {
  accountFeed,
  awaitFeedPage,
  openFeedTail,
  openFeedWatch,
  parsePlace,
  placeText,
  streamFeed,
  tenantFeed,
  type FeedPage,
  type FeedPart,
  type FeedSource,
  type TenantEvent,
  type TenantReader,
} from '@syncline/control/feed-stream';
import type { Runtime } from '@syncline/runtime';
import type { ChangeEvent } from '@syncline/store';
import { REMOVED, type HandlersOf } from '../v1/handler.js';
import { whileConnected } from '../v1/waiting.js';
import type { HandlerDeps } from './index.js';

/** A stream without events says so often that proxies do not take it for dead. */
const HEARTBEAT_MS = 15_000;

const AGAIN = 'List the mirror again, and follow the feed from the position of the account.';
const ALL_AGAIN =
  'Take the place of after=latest, list the mirrors again, and follow the feed from that place.';

export function changeHandlers(rt: Runtime, { store, hints }: Deps): Changes {
  return {
    'changes.list': ofAccount(rt, { store, hints }),
    'changes.all': ofTenant(rt, { store, hints }),
  };
}

type Changes = HandlersOf<'Changes'>;
type Deps = Pick<HandlerDeps, 'store' | 'hints'>;

function ofAccount(rt: Runtime, { store, hints }: Deps): Changes['changes.list'] {
  const watch = openFeedWatch(rt, { store, hints });
  return async ({ account, query, headers, media, gone }) => {
    const form = formOf(media, ACCOUNT_WORDS);
    const source = accountFeed({ store, watch }, account);
    const read = await awaitFeedPage(
      whileConnected(rt, gone),
      source,
      readerOf(query, headers['Last-Event-ID']),
      { limit: query.limit, waitMs: form === null ? waitMs(query.wait) : 0 },
    );
    switch (read.kind) {
      case 'gone':
        return REMOVED;
      case 'epoch-changed':
        return { problem: 'epoch-changed', detail: AGAIN };
      case 'pruned':
        return { problem: 'feed-pruned', detail: AGAIN };
      case 'page':
        if (form !== null) return streamOf(form, source, read);
        return {
          status: 200,
          body: {
            data: read.events.map((event) => {
              const { epoch: _epoch, ...document } = changeDocument(event);
              return { ...document, seq: Number(event.seq) };
            }),
            next: Number(read.next.after),
            epoch: read.feed.epoch,
            oldestSeq: Number(read.feed.oldestSeq),
          },
        };
    }
  };
}

function ofTenant(rt: Runtime, { store, hints }: Deps): Changes['changes.all'] {
  const tail = openFeedTail(rt, { store, hints });
  return async ({ caller, query, headers, media, gone }) => {
    const form = formOf(media, TENANT_WORDS);
    const source = tenantFeed({ store, tail }, caller.tenant);
    const from = parsePlace(headers['Last-Event-ID'] ?? query.after);
    const read = await awaitFeedPage(whileConnected(rt, gone), source, from, {
      limit: query.limit,
      waitMs: form === null && from !== 'latest' ? waitMs(query.wait) : 0,
    });
    switch (read.kind) {
      case 'epoch-changed':
        return { problem: 'epoch-changed', detail: ALL_AGAIN };
      case 'pruned':
      case 'gone':
        return { problem: 'feed-pruned', detail: ALL_AGAIN };
      case 'page':
        if (form !== null) return streamOf(form, source, read);
        return {
          status: 200,
          body: { data: read.events.map(tenantDocument), next: placeText(read.next) },
        };
    }
  };
}

/** The id of an event replaces the query: a client that reconnects repeats its first address. */
function readerOf(
  { after, epoch }: { after: number; epoch?: number | undefined },
  lastEventId: string | undefined,
): FeedReader {
  if (lastEventId === undefined) return { after: BigInt(after), epoch };
  const [ofEvent, seq] = lastEventId.split('.');
  return { after: BigInt(seq ?? 0), epoch: Number(ofEvent) };
}

/** How the events of a feed are written, and the place of a reader. */
interface Words<Event, Place> {
  document(event: Event): object;
  /** What a reader repeats as `Last-Event-ID`. */
  id(event: Event): string;
  place(place: Place): object;
}

const ACCOUNT_WORDS: Words<ChangeEvent, FeedReader> = {
  document: changeDocument,
  id: ({ epoch, seq }) => `${epoch}.${seq}`,
  place: ({ epoch, after }) => ({ epoch, seq: Number(after) }),
};

const TENANT_WORDS: Words<TenantEvent, TenantReader> = {
  document: tenantDocument,
  id: ({ place }) => placeText(place),
  place: (place) => ({ position: typeof place === 'string' ? place : placeText(place) }),
};

function tenantDocument(event: TenantEvent) {
  const { place, account, tenant } = event;
  const document = { ...changeDocument(event), seq: Number(event.seq) };
  return { position: placeText(place), account, tenant, ...document };
}

/** How the parts of a feed are written. */
interface Form<Event, Place> {
  media: StreamMedia;
  text: (part: FeedPart<Event, Place>) => string;
  /** The last words of a stream. */
  end: string;
}

type StreamMedia = 'application/x-ndjson' | 'text/event-stream';

/** Returns null for a page. */
function formOf<Event, Place>(
  media: string,
  words: Words<Event, Place>,
): Form<Event, Place> | null {
  const line = (document: object): string => `${JSON.stringify(document)}\n`;
  if (media === 'application/x-ndjson')
    return {
      media,
      text: ({ events, place }) =>
        events.length === 0
          ? line({ heartbeat: true, ...words.place(place) })
          : events.map((event) => line(words.document(event))).join(''),
      end: '',
    };
  if (media === 'text/event-stream')
    return {
      media,
      text: ({ events }) =>
        events.length === 0
          ? ': heartbeat\n\n'
          : events
              .map(
                (event) =>
                  `id: ${words.id(event)}\nevent: change\ndata: ${line(words.document(event))}\n`,
              )
              .join(''),
      end: 'retry: 1000\n\n',
    };
  return null;
}

/** The text of a stream. */
function streamOf<Event, Place>(
  form: Form<Event, Place>,
  source: FeedSource<FeedPage<Event, Place>, Place>,
  first: FeedPage<Event, Place>,
): { status: 200; media: StreamMedia; stream: TextStream } {
  const stream: TextStream = async function* (signal) {
    const parts = streamFeed(source, first, { idleMs: HEARTBEAT_MS, signal });
    for await (const part of parts) yield form.text(part);
    if (form.end !== '') yield form.end;
  };
  return { status: 200, media: form.media, stream };
}
