import { ALL_INLINE, BODY_CHARSETS, type BodyCharset } from './gmail/body-serving.js';
import type { ClientOrder } from './clients.js';
import { DEFAULT_SCOPES } from './grants.js';
import { fullScope } from './scopes.js';

/** The options of a simulated Google. All are optional. */
export interface SimulatorOptions {
  /**
   * The seed of the world. The same seed gives the same accounts, messages and events (relative to
   * now). Default 1.
   */
  seed?: number;
  /** 0 (the default) uses any free port. */
  port?: number;
  /** Address to listen on. Default 127.0.0.1. */
  host?: string;
  /** Accounts `user1@demo.example`, … Default 1. */
  accounts?: number;
  /** Default 100. */
  messagesPerAccount?: number;
  /** Includes the primary calendar, not the shared holiday calendar. Default 2. */
  calendarsPerAccount?: number;
  /**
   * Contacts of each account, with half as many other contacts and a few groups. Default 0: system
   * groups only.
   */
  contactsPerAccount?: number;
  /** The approximate number of series, single events and exceptions of one calendar. Default 30. */
  eventsPerCalendar?: number;
  /** Mean number of messages in a thread. Default 3. */
  threadLength?: number;
  /** Mean bytes of a generated message's text and HTML together. Default 5,000. */
  bodyBytes?: number;
  quota?: QuotaOptions;
  /** Delay before an answer: a fixed time or a range. Default 0. */
  latencyMs?: number | readonly [minMs: number, maxMs: number];
  /** Delay of the token endpoint, so that overlapping refreshes can be detected. Default 20. */
  tokenLatencyMs?: number;
  /** Lifetime of access tokens. Default 3,599,000, as at Google. */
  accessTokenTtlMs?: number;
  /**
   * The beginning of every refresh and access token, in place of `1//` and `ya29.`. A token is
   * opaque to a client, and Google does not guarantee its form. Default null: Google's current
   * form.
   */
  tokenStart?: string | null;
  /**
   * Lifetime of refresh tokens; 0 is unlimited. 604,800,000 corresponds to an external app in
   * testing. Default 0.
   */
  refreshTokenTtlMs?: number;
  /**
   * True: each refresh token is a grant of its own. Default false, as at Google: all grants of one
   * person to one client are one grant and end together.
   */
  separateGrants?: boolean;
  /**
   * The scopes that users consent to; the prefix may be omitted (`gmail.metadata`). Default openid,
   * userinfo.email, gmail.readonly, calendar.readonly.
   */
  scopes?: readonly string[];
  /** OAuth clients to register at the start. Default none. */
  clients?: readonly ClientOrder[];
  /** Retention of history records. Default 7 days. */
  historyRetentionMs?: number;
  /** Retention of Calendar's sync tokens. Default 28 days. */
  syncTokenRetentionMs?: number;
  /** How long People's sync tokens are valid after the start of the full sync. Default 7 days. */
  peopleTokenRetentionMs?: number;
  /** How long changes of contacts need to appear in sync requests. Default 0; at Google minutes. */
  propagationDelayMs?: number;
  /** How long incremental lists and showDeleted return deleted events. Default 30 days. */
  tombstoneRetentionMs?: number;
  /**
   * `messages.get` answers 404 for messages younger than this (Google's read-after-write lag).
   * Default 0.
   */
  freshMessageLagMs?: number;
  /**
   * Calendar pages may be short or empty with a nextPageToken, as Google documents. Default false.
   */
  shortCalendarPages?: boolean;
  /**
   * Pages of Gmail's lists and history may be short or empty with a nextPageToken. Default false.
   */
  shortGmailPages?: boolean;
  /** Pages of People's lists may be short or empty with a nextPageToken. Default false. */
  shortPeoplePages?: boolean;
  /**
   * The largest number of items on a page, for any requested size, because Google's maxResults is
   * only a maximum. Default: Google's own maxima.
   */
  largestPage?: number;
  /**
   * Serves text bodies in the message's own charset, or converted to UTF-8 with the original
   * header. Default `declared`.
   */
  bodyCharset?: BodyCharset;
  /** Text bodies above this size have an attachmentId and no data. Default 1,000,000,000: none. */
  inlineBodyBytes?: number;
  /** Random actions of the simulated users per second, over all accounts. Default 0. */
  actionsPerSecond?: number;
  /**
   * Directories of messages (one per file), mbox files, and directories of .ics files to load into
   * the first account.
   */
  emlDirectories?: readonly string[];
  mboxFiles?: readonly string[];
  icsDirectories?: readonly string[];
  /** Stops the clock at this time; it then moves only by `clock.advance`. */
  nowMs?: number;
}

export interface QuotaOptions {
  /** False: violations are counted and not refused. Default true. */
  enforce?: boolean;
  /** Google's prices since 2026-05-01 (`new`) or before. Default `new`. */
  tier?: 'new' | 'legacy';
  /** Multiplies every limit per minute. Default 1. */
  scale?: number;
  /** Parts (or plain requests) of one user in flight; further ones get 429. Default 25. */
  maxConcurrentPartsPerUser?: number;
  /**
   * First pages of full syncs of one list of contacts per user and minute. Google's number is not
   * documented. Default 10.
   */
  fullSyncsPerUserMinute?: number;
}

export type Settings = Required<Omit<SimulatorOptions, 'quota' | 'nowMs' | 'latencyMs'>> & {
  quota: Required<QuotaOptions>;
  latencyMs: readonly [minMs: number, maxMs: number];
};

const DAY_MS = 86_400_000;

const DEFAULTS: Omit<Settings, 'quota' | 'latencyMs'> = {
  seed: 1,
  port: 0,
  host: '127.0.0.1',
  accounts: 1,
  messagesPerAccount: 100,
  calendarsPerAccount: 2,
  contactsPerAccount: 0,
  eventsPerCalendar: 30,
  threadLength: 3,
  bodyBytes: 5_000,
  tokenLatencyMs: 20,
  accessTokenTtlMs: 3_599_000,
  tokenStart: null,
  refreshTokenTtlMs: 0,
  separateGrants: false,
  scopes: DEFAULT_SCOPES,
  clients: [],
  historyRetentionMs: 7 * DAY_MS,
  syncTokenRetentionMs: 28 * DAY_MS,
  peopleTokenRetentionMs: 7 * DAY_MS,
  propagationDelayMs: 0,
  tombstoneRetentionMs: 30 * DAY_MS,
  freshMessageLagMs: 0,
  shortCalendarPages: false,
  shortGmailPages: false,
  shortPeoplePages: false,
  largestPage: 2_500,
  bodyCharset: 'declared',
  inlineBodyBytes: ALL_INLINE,
  actionsPerSecond: 0,
  emlDirectories: [],
  mboxFiles: [],
  icsDirectories: [],
};
const DEFAULT_QUOTA: Settings['quota'] = {
  enforce: true,
  tier: 'new',
  scale: 1,
  maxConcurrentPartsPerUser: 25,
  fullSyncsPerUserMinute: 10,
};

/** Fills in the defaults. Throws RangeError with the name of the field for an invalid value. */
export function complete(options: SimulatorOptions): Settings {
  const latency = options.latencyMs ?? 0;
  const given = withDefaults(DEFAULTS, options);
  const settings: Settings = {
    ...given,
    scopes: given.scopes.map(fullScope),
    latencyMs: typeof latency === 'number' ? [latency, latency] : latency,
    quota: withDefaults(DEFAULT_QUOTA, options.quota ?? {}),
  };
  refuseNonsense(settings);
  return settings;
}

function withDefaults<T extends object>(defaults: T, given: Partial<T>): T {
  const entries = Object.entries(defaults).map(([name, value]) => [
    name,
    given[name as keyof T] ?? value,
  ]);
  return Object.fromEntries(entries) as T;
}

function refuseNonsense(settings: Settings): void {
  refuseNegatives({
    ...settings,
    ...settings.quota,
    minLatencyMs: settings.latencyMs[0],
    maxLatencyMs: settings.latencyMs[1],
  });
  const files = [...settings.emlDirectories, ...settings.mboxFiles, ...settings.icsDirectories];
  if (files.length > 0 && settings.accounts < 1)
    throw new RangeError('loading files needs an account');
  if (!BODY_CHARSETS.includes(settings.bodyCharset))
    throw new RangeError(`bodyCharset must be one of ${BODY_CHARSETS.join(', ')}`);
  if (settings.tokenStart !== null && !/^[\w.~/-]{0,100}$/.test(settings.tokenStart))
    throw new RangeError('tokenStart must be at most 100 characters that a header takes');
  if (settings.quota.scale === 0) throw new RangeError('scale must be above 0');
  if (settings.threadLength < 1) throw new RangeError('threadLength must be at least 1');
  if (settings.latencyMs[0] > settings.latencyMs[1])
    throw new RangeError('latencyMs must be [min, max]');
}

function refuseNegatives(counts: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (typeof value === 'number' && !(Number.isFinite(value) && value >= 0))
      throw new RangeError(`${name} must be a number of at least 0`);
  }
}
