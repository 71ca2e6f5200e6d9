/** Which list of the API has the rows of each entity of the change feed. */
import type {
  Calendar,
  Contact,
  Event,
  Label,
  Message,
  Operations,
} from './generated/operations.js';
import { SynclineProblem } from './problem.js';

/** The rows that `bootstrap` lists, by the entity of their events. */
export interface Rows {
  message: Message;
  label: Label;
  calendar: Calendar;
  event: Event;
  contact: Contact;
  other_contact: Contact;
  contact_group: Contact;
}

export type Entity = keyof Rows;

export interface Listing {
  api: Operations;
  account: string;
  /** Content of messages: `text,html,resource`. */
  include: string | undefined;
  signal: AbortSignal | undefined;
}

/** A page of a list of an account. */
export interface ListedPage<Row> {
  data: Row[];
  seq: number;
  epoch: number;
}

const PAGE = 500;
const PAGE_WITH_CONTENT = 100;

/** In the order in which they are listed. */
export const LISTS: {
  readonly [E in Entity]: (listing: Listing) => AsyncIterable<ListedPage<Rows[E]>>;
} = {
  label: ({ api, account, signal }) =>
    api.labels.list(account, { limit: PAGE }, optionsOf(signal)).pages(),
  message: ({ api, account, include, signal }) => {
    const input = include === undefined ? { limit: PAGE } : { limit: PAGE_WITH_CONTENT, include };
    return api.messages.list(account, input, optionsOf(signal)).pages();
  },
  calendar: ({ api, account, signal }) =>
    api.calendars.list(account, { limit: PAGE }, optionsOf(signal)).pages(),
  event: eventPages,
  contact: (listing) => contactPages(listing, 'person'),
  other_contact: (listing) => contactPages(listing, 'other'),
  contact_group: (listing) => contactPages(listing, 'group'),
};

function contactPages(
  { api, account, signal }: Listing,
  kind: Contact['kind'],
): AsyncIterable<ListedPage<Contact>> {
  return api.contacts.list(account, { kind, limit: PAGE }, optionsOf(signal)).pages();
}

async function* eventPages({ api, account, signal }: Listing): AsyncGenerator<ListedPage<Event>> {
  const calendars = api.calendars.list(account, { limit: PAGE }, optionsOf(signal));
  for await (const { data, seq, epoch } of calendars.pages()) {
    // The position comes before the events of its calendars are read.
    yield { data: [], seq, epoch };
    for (const { id } of data) {
      try {
        yield* api.events.list(account, id, { limit: PAGE }, optionsOf(signal)).pages();
      } catch (error) {
        // Removed since the calendars were listed: the feed has its deletion.
        if (!isGone(error)) throw error;
      }
    }
  }
}

function isGone(error: unknown): boolean {
  return error instanceof SynclineProblem && error.type === 'urn:syncline:problem:not-found';
}

function optionsOf(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
