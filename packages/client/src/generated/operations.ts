/* Generated from the route table; test/conformance/client-generated.test.ts has the command. */

import type { CallOptions, Input, List, Output } from '../types.js';
import type { components } from './schema.js';

/** What a request of each operation is made of. */
export const OPERATIONS = {
  'accounts.create': {"method":"POST","path":"/v1/accounts","query":["verify"],"hasBody":true,"isJson":true},
  'accounts.events': {"method":"GET","path":"/v1/accounts/{id}/events","query":["limit","cursor"],"hasBody":false,"isJson":true},
  'accounts.get': {"method":"GET","path":"/v1/accounts/{id}","query":[],"hasBody":false,"isJson":true},
  'accounts.list': {"method":"GET","path":"/v1/accounts","query":["limit","cursor","tenant","email","state"],"hasBody":false,"isJson":true},
  'accounts.remove': {"method":"DELETE","path":"/v1/accounts/{id}","query":["keepGrant"],"hasBody":false,"isJson":true},
  'accounts.sync': {"method":"POST","path":"/v1/accounts/{id}/sync","query":["wait"],"hasBody":true,"isJson":true},
  'accounts.update': {"method":"PATCH","path":"/v1/accounts/{id}","query":[],"hasBody":true,"isJson":true},
  'accounts.why': {"method":"GET","path":"/v1/accounts/{id}/why","query":[],"hasBody":false,"isJson":true},
  'attachments.get': {"method":"GET","path":"/v1/accounts/{id}/messages/{messageId}/attachments/{partId}","query":["freshWithin","wait","onStale"],"hasBody":false,"isJson":false},
  'calendars.list': {"method":"GET","path":"/v1/accounts/{id}/calendars","query":["limit","cursor","freshWithin","wait","onStale"],"hasBody":false,"isJson":true},
  'changes.all': {"method":"GET","path":"/v1/changes","query":["after","limit","wait"],"hasBody":false,"isJson":true},
  'changes.list': {"method":"GET","path":"/v1/accounts/{id}/changes","query":["after","epoch","limit","wait"],"hasBody":false,"isJson":true},
  'connectSessions.create': {"method":"POST","path":"/v1/connect-sessions","query":[],"hasBody":true,"isJson":true},
  'connectSessions.get': {"method":"GET","path":"/v1/connect-sessions/{id}","query":[],"hasBody":false,"isJson":true},
  'contacts.get': {"method":"GET","path":"/v1/accounts/{id}/contacts/{contactId}","query":["freshWithin","wait","onStale"],"hasBody":false,"isJson":true},
  'contacts.list': {"method":"GET","path":"/v1/accounts/{id}/contacts","query":["limit","cursor","freshWithin","wait","onStale","kind"],"hasBody":false,"isJson":true},
  'events.get': {"method":"GET","path":"/v1/accounts/{id}/calendars/{calendarId}/events/{eventId}","query":["freshWithin","wait","onStale"],"hasBody":false,"isJson":true},
  'events.list': {"method":"GET","path":"/v1/accounts/{id}/calendars/{calendarId}/events","query":["limit","cursor","freshWithin","wait","onStale"],"hasBody":false,"isJson":true},
  'freeBusy.query': {"method":"POST","path":"/v1/free-busy","query":[],"hasBody":true,"isJson":true},
  'instances.list': {"method":"GET","path":"/v1/accounts/{id}/instances","query":["timeMin","timeMax","freshWithin","wait","onStale","cursor","limit","calendars"],"hasBody":false,"isJson":true},
  'instances.ofCalendar': {"method":"GET","path":"/v1/accounts/{id}/calendars/{calendarId}/instances","query":["timeMin","timeMax","freshWithin","wait","onStale","cursor","limit"],"hasBody":false,"isJson":true},
  'keys.create': {"method":"POST","path":"/v1/api-keys","query":[],"hasBody":true,"isJson":true},
  'keys.list': {"method":"GET","path":"/v1/api-keys","query":["limit","cursor"],"hasBody":false,"isJson":true},
  'keys.revoke': {"method":"DELETE","path":"/v1/api-keys/{id}","query":[],"hasBody":false,"isJson":true},
  'keys.rotate': {"method":"POST","path":"/v1/api-keys/{id}/rotate","query":[],"hasBody":true,"isJson":true},
  'labels.list': {"method":"GET","path":"/v1/accounts/{id}/labels","query":["limit","cursor","freshWithin","wait","onStale"],"hasBody":false,"isJson":true},
  'messages.get': {"method":"GET","path":"/v1/accounts/{id}/messages/{messageId}","query":["freshWithin","wait","onStale","include"],"hasBody":false,"isJson":true},
  'messages.list': {"method":"GET","path":"/v1/accounts/{id}/messages","query":["limit","cursor","freshWithin","wait","onStale","include","label","thread","from","to","after","before"],"hasBody":false,"isJson":true},
  'messages.source': {"method":"GET","path":"/v1/accounts/{id}/messages/{messageId}/source","query":["freshWithin","wait","onStale","fetch"],"hasBody":false,"isJson":false},
  'operations.get': {"method":"GET","path":"/v1/operations/{id}","query":["wait"],"hasBody":false,"isJson":true},
  'quarantine.drop': {"method":"POST","path":"/v1/quarantine/drop","query":[],"hasBody":true,"isJson":true},
  'quarantine.list': {"method":"GET","path":"/v1/quarantine","query":["limit","cursor","account"],"hasBody":false,"isJson":true},
  'quarantine.retry': {"method":"POST","path":"/v1/quarantine/retry","query":[],"hasBody":true,"isJson":true},
  'quota.get': {"method":"GET","path":"/v1/quota","query":[],"hasBody":false,"isJson":true},
  'quota.plan': {"method":"POST","path":"/v1/quota/plan","query":[],"hasBody":true,"isJson":true},
  'threads.get': {"method":"GET","path":"/v1/accounts/{id}/threads/{threadId}","query":["freshWithin","wait","onStale"],"hasBody":false,"isJson":true},
  'threads.list': {"method":"GET","path":"/v1/accounts/{id}/threads","query":["limit","cursor","freshWithin","wait","onStale"],"hasBody":false,"isJson":true},
  'verifications.create': {"method":"POST","path":"/v1/accounts/{id}/verifications","query":[],"hasBody":true,"isJson":true},
  'verifications.list': {"method":"GET","path":"/v1/accounts/{id}/verifications","query":["limit","cursor"],"hasBody":false,"isJson":true},
} as const;

export type OperationId = keyof typeof OPERATIONS;

/** The problems that the API answers with. Later versions may add some. */
export type ProblemType =
  | 'urn:syncline:problem:bad-cursor'
  | 'urn:syncline:problem:connect-not-configured'
  | 'urn:syncline:problem:epoch-changed'
  | 'urn:syncline:problem:exceeds-own-rights'
  | 'urn:syncline:problem:feed-pruned'
  | 'urn:syncline:problem:google-refused'
  | 'urn:syncline:problem:google-unavailable'
  | 'urn:syncline:problem:grant-refused'
  | 'urn:syncline:problem:idempotency-in-progress'
  | 'urn:syncline:problem:idempotency-mismatch'
  | 'urn:syncline:problem:internal'
  | 'urn:syncline:problem:invalid-request'
  | 'urn:syncline:problem:item-too-large'
  | 'urn:syncline:problem:key-not-live'
  | 'urn:syncline:problem:missing-scope'
  | 'urn:syncline:problem:not-acceptable'
  | 'urn:syncline:problem:not-found'
  | 'urn:syncline:problem:not-fresh-enough'
  | 'urn:syncline:problem:quota-exhausted'
  | 'urn:syncline:problem:rate-limited'
  | 'urn:syncline:problem:source-not-kept'
  | 'urn:syncline:problem:state-conflict'
  | 'urn:syncline:problem:too-large'
  | 'urn:syncline:problem:too-many-connect-sessions'
  | 'urn:syncline:problem:too-many-keys'
  | 'urn:syncline:problem:too-many-streams'
  | 'urn:syncline:problem:too-much-work'
  | 'urn:syncline:problem:unauthenticated'
  | 'urn:syncline:problem:unavailable'
  | 'urn:syncline:problem:unsupported-media-type';

export type Account = components['schemas']['Account'];
export type AccountEvent = components['schemas']['AccountEvent'];
export type ApiKey = components['schemas']['ApiKey'];
export type BusyAccount = components['schemas']['BusyAccount'];
export type Calendar = components['schemas']['Calendar'];
export type Change = components['schemas']['Change'];
export type Changes = components['schemas']['Changes'];
export type Collection = components['schemas']['Collection'];
export type ConnectSession = components['schemas']['ConnectSession'];
export type Contact = components['schemas']['Contact'];
export type Event = components['schemas']['Event'];
export type Explanation = components['schemas']['Explanation'];
export type FreeBusy = components['schemas']['FreeBusy'];
export type Freshness = components['schemas']['Freshness'];
export type ImportedLine = components['schemas']['ImportedLine'];
export type Instance = components['schemas']['Instance'];
export type Label = components['schemas']['Label'];
export type Message = components['schemas']['Message'];
export type NewApiKey = components['schemas']['NewApiKey'];
export type NewConnectSession = components['schemas']['NewConnectSession'];
export type Operation = components['schemas']['Operation'];
export type Problem = components['schemas']['Problem'];
export type QuarantinedItem = components['schemas']['QuarantinedItem'];
export type QuotaPlan = components['schemas']['QuotaPlan'];
export type QuotaReport = components['schemas']['QuotaReport'];
export type SyncRequest = components['schemas']['SyncRequest'];
export type TenantChange = components['schemas']['TenantChange'];
export type TenantChanges = components['schemas']['TenantChanges'];
export type Thread = components['schemas']['Thread'];

export interface AccountsOperations {
  /**
   * Connect an account, or renew its grant
   *
   * Idempotent by tenant and address. Resources that are not named are not removed. Google is asked whose the grant is, where the API has an OAuth client; otherwise, and with `verify=false`, the first sync checks it before it writes anything. With `application/x-ndjson` each line, of at most 64 KB, is an account, and has a line of the answer in the same order; there are at most 1,000, and no Idempotency-Key.
   */
  create(input: Input<'accounts.create'>, options?: CallOptions): Promise<Output<'accounts.create'>>;
  /**
   * List what happened to an account
   *
   * Newest first: transitions only, and what happened to many accounts at once. The last 500 events of 90 days are kept.
   */
  events(account: string, input?: Input<'accounts.events'>, options?: CallOptions): List<'accounts.events'>;
  /**
   * Get an account
   */
  get(id: string, input?: Input<'accounts.get'>, options?: CallOptions): Promise<Output<'accounts.get'>>;
  /**
   * List accounts
   *
   * Accounts with their collections, in the order of tenant and id. An account that stays is given exactly once.
   */
  list(input?: Input<'accounts.list'>, options?: CallOptions): List<'accounts.list'>;
  /**
   * Remove an account
   *
   * Stops its syncs at once. Workers stop its watches, revoke its grant unless another account needs it, and erase every row. The operation is done when nothing is left.
   */
  remove(id: string, input?: Input<'accounts.remove'>, options?: CallOptions): Promise<Output<'accounts.remove'>>;
  /**
   * Request a sync now
   *
   * Makes the collections due at once. With `wait` the answer comes when they are caught up, or when the time is over.
   */
  sync(account: string, input?: Input<'accounts.sync'>, options?: CallOptions): Promise<Output<'accounts.sync'>>;
  /**
   * Pause or resume an account
   *
   * A paused account is not synced; its rows stay. Resuming makes every collection due at once.
   */
  update(id: string, input: Input<'accounts.update'>, options?: CallOptions): Promise<Output<'accounts.update'>>;
  /**
   * Explain how fresh an account is
   *
   * Each collection with the reason for its state, and the quota spent today.
   */
  why(account: string, input?: Input<'accounts.why'>, options?: CallOptions): Promise<Output<'accounts.why'>>;
}

export interface AttachmentsOperations {
  /**
   * Get an attachment
   *
   * Its bytes, from Google: the mirror has the name and the size. At most 50 MB. Types that are not listed here are given as `application/octet-stream`.
   */
  get(account: string, messageId: string, partId: string, input?: Input<'attachments.get'>, options?: CallOptions): Promise<Output<'attachments.get'>>;
}

export interface CalendarsOperations {
  /**
   * List calendars
   *
   * In the order of their ids.
   */
  list(account: string, input?: Input<'calendars.list'>, options?: CallOptions): List<'calendars.list'>;
}

export interface ChangesOperations {
  /**
   * Read the change feeds of all accounts
   *
   * The events of all accounts of the key's tenant, or of every tenant, in one order: that of each account is exact, between accounts it is that of arrival. JSON is a page: with `wait` it comes when there is an event, or when the time is over. `Accept: text/event-stream` or `application/x-ndjson` gives a stream, for which `limit` and `wait` mean nothing; it ends after an hour and when the process drains, and goes on at `Last-Event-ID`.
   */
  all(input?: Input<'changes.all'>, options?: CallOptions): Promise<Output<'changes.all'>>;
  /**
   * Read the change feed of an account
   *
   * Events in the order of their commits. JSON is a page: with `wait` it comes when there is an event, or when the time is over. `Accept: text/event-stream` or `application/x-ndjson` gives a stream, for which `limit` and `wait` mean nothing; it ends after an hour and when the process drains, and goes on at `Last-Event-ID`.
   */
  list(account: string, input?: Input<'changes.list'>, options?: CallOptions): Promise<Output<'changes.list'>>;
}

export interface ConnectSessionsOperations {
  /**
   * Make a link by which an end user connects a Google account
   *
   * The link is for one person and one browser. With `accountId` the account is reconnected: its rows and cursors stay, and another Google account is refused.
   */
  create(input?: Input<'connectSessions.create'>, options?: CallOptions): Promise<Output<'connectSessions.create'>>;
  /**
   * Get a connect session
   *
   * Kept for 30 days after it has expired.
   */
  get(id: string, input?: Input<'connectSessions.get'>, options?: CallOptions): Promise<Output<'connectSessions.get'>>;
}

export interface ContactsOperations {
  /**
   * Get a contact
   */
  get(account: string, contactId: string, input?: Input<'contacts.get'>, options?: CallOptions): Promise<Output<'contacts.get'>>;
  /**
   * List contacts
   *
   * People of the contacts, other contacts and contact groups, in the order of their resource names.
   */
  list(account: string, input?: Input<'contacts.list'>, options?: CallOptions): List<'contacts.list'>;
}

export interface EventsOperations {
  /**
   * Get an event
   */
  get(account: string, calendarId: string, eventId: string, input?: Input<'events.get'>, options?: CallOptions): Promise<Output<'events.get'>>;
  /**
   * List the events of a calendar
   *
   * Single events, series and exceptions as Google gives them, in the order of their ids; cancelled exceptions included, deleted events not.
   */
  list(account: string, calendarId: string, input?: Input<'events.list'>, options?: CallOptions): List<'events.list'>;
}

export interface FreeBusyOperations {
  /**
   * Find out when accounts are busy
   *
   * From the mirror. Events that are cancelled, shown as available, or declined by the owner of the calendar do not count. An account that the key may not see is excluded like one that does not exist.
   */
  query(input: Input<'freeBusy.query'>, options?: CallOptions): Promise<Output<'freeBusy.query'>>;
}

export interface InstancesOperations {
  /**
   * List the single events of a time range
   *
   * Series are expanded. In the order of the starts. At most 20,000 series, exceptions and single events are read; a page has at most about 8 MB.
   */
  list(account: string, input: Input<'instances.list'>, options?: CallOptions): List<'instances.list'>;
  /**
   * List the single events of a calendar in a time range
   *
   * As the instances of the account, of one calendar.
   */
  ofCalendar(account: string, calendarId: string, input: Input<'instances.ofCalendar'>, options?: CallOptions): List<'instances.ofCalendar'>;
}

export interface KeysOperations {
  /**
   * Make an API key
   *
   * The answer shows the key once. A key makes no key with a scope, a tenant or a later end than it has itself. A tenant has at most 100 keys.
   */
  create(input: Input<'keys.create'>, options?: CallOptions): Promise<Output<'keys.create'>>;
  /**
   * List API keys
   *
   * The newest first. A key of one tenant sees that tenant's keys.
   */
  list(input?: Input<'keys.list'>, options?: CallOptions): List<'keys.list'>;
  /**
   * Revoke an API key
   *
   * Every API refuses it within 5 s. Revoking it again changes nothing.
   */
  revoke(id: string, input?: Input<'keys.revoke'>, options?: CallOptions): Promise<Output<'keys.revoke'>>;
  /**
   * Replace an API key
   *
   * Makes a successor with the same name, scopes, tenant and end, and ends the key after the overlap. Its rights must be among those of the key of the request.
   */
  rotate(id: string, input?: Input<'keys.rotate'>, options?: CallOptions): Promise<Output<'keys.rotate'>>;
}

export interface LabelsOperations {
  /**
   * List labels
   *
   * In the order of their ids.
   */
  list(account: string, input?: Input<'labels.list'>, options?: CallOptions): List<'labels.list'>;
}

export interface MessagesOperations {
  /**
   * Get a message
   */
  get(account: string, messageId: string, input?: Input<'messages.get'>, options?: CallOptions): Promise<Output<'messages.get'>>;
  /**
   * List messages
   *
   * Newest first, those without a date last. The work of a request is bounded: a page may be short, or empty, before the end. A message that stays is given exactly once.
   */
  list(account: string, input?: Input<'messages.list'>, options?: CallOptions): List<'messages.list'>;
  /**
   * Get the source of a message
   *
   * RFC 822, byte for byte. The mirror has it with `MIRROR_BODIES=raw`; otherwise `fetch=true` gets it from Google.
   */
  source(account: string, messageId: string, input?: Input<'messages.source'>, options?: CallOptions): Promise<Output<'messages.source'>>;
}

export interface OperationsOperations {
  /**
   * Get an operation
   *
   * Long work: removals and verifications. With `wait` the answer comes when it has ended, or when the time is over. Kept for 30 days.
   */
  get(id: string, input?: Input<'operations.get'>, options?: CallOptions): Promise<Output<'operations.get'>>;
}

export interface QuarantineOperations {
  /**
   * Drop items from the quarantine
   *
   * They stay out of the mirror until they change at Google.
   */
  drop(input: Input<'quarantine.drop'>, options?: CallOptions): Promise<Output<'quarantine.drop'>>;
  /**
   * List items that could not be mirrored
   *
   * In the order of account, collection and item.
   */
  list(input?: Input<'quarantine.list'>, options?: CallOptions): List<'quarantine.list'>;
  /**
   * Read items again
   *
   * What still cannot be stored comes back to the quarantine.
   */
  retry(input: Input<'quarantine.retry'>, options?: CallOptions): Promise<Output<'quarantine.retry'>>;
}

export interface QuotaOperations {
  /**
   * Report the use of Google's quota
   */
  get(input?: Input<'quota.get'>, options?: CallOptions): Promise<Output<'quota.get'>>;
  /**
   * Plan the use of Google's quota
   *
   * What a fleet would cost and how long its onboarding would take, with the limits and intervals of this deployment. Asks Google nothing.
   */
  plan(input?: Input<'quota.plan'>, options?: CallOptions): Promise<Output<'quota.plan'>>;
}

export interface ThreadsOperations {
  /**
   * Get a thread
   */
  get(account: string, threadId: string, input?: Input<'threads.get'>, options?: CallOptions): Promise<Output<'threads.get'>>;
  /**
   * List threads
   *
   * In the order of their newest message, newest first. A page may be short before the end. The messages of a thread are `messages?thread=`.
   */
  list(account: string, input?: Input<'threads.list'>, options?: CallOptions): List<'threads.list'>;
}

export interface VerificationsOperations {
  /**
   * Compare the mirror with Google
   *
   * A worker compares every item. Without `sample` that costs as much quota as a full sync. The result has the counts.
   */
  create(account: string, input?: Input<'verifications.create'>, options?: CallOptions): Promise<Output<'verifications.create'>>;
  /**
   * List the verifications of an account
   *
   * Newest first.
   */
  list(account: string, input?: Input<'verifications.list'>, options?: CallOptions): List<'verifications.list'>;
}

/** A method for each operation of the API. */
export interface Operations {
  accounts: AccountsOperations;
  attachments: AttachmentsOperations;
  calendars: CalendarsOperations;
  changes: ChangesOperations;
  connectSessions: ConnectSessionsOperations;
  contacts: ContactsOperations;
  events: EventsOperations;
  freeBusy: FreeBusyOperations;
  instances: InstancesOperations;
  keys: KeysOperations;
  labels: LabelsOperations;
  messages: MessagesOperations;
  operations: OperationsOperations;
  quarantine: QuarantineOperations;
  quota: QuotaOperations;
  threads: ThreadsOperations;
  verifications: VerificationsOperations;
}
