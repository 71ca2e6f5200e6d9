/** The command line of the simulator's process. */
import { parseArgs } from 'node:util';
import { CONTROLS, MENUS } from './control/help.js';
import type { SimulatorOptions } from './options.js';

export const HELP = `Usage: npm run simulator -- [options]

Serves Gmail, Calendar, People and OAuth on one origin, with seeded accounts, Google's quotas and injected faults.
Prints {"url":"http://…"} on stdout when it listens; control it under /sim/ (GET /sim/accounts lists the accounts for an import).

  --port N            port to listen on (default: any free one)
  --host ADDRESS      address to listen on (default 127.0.0.1)
  --seed N            seed of the world (default 1)
  --accounts N        user1@demo.example … (default 10)
  --messages N        messages of each account (default 300)
  --calendars N       calendars of each account (default 2)
  --events N          events of each calendar (default 30)
  --contacts N        contacts of each account, with other contacts and groups (default 0)
  --thread-length N   mean messages of a thread (default 3)
  --body-bytes N      mean bytes of a message's text (default 5000)
  --rate N            random actions of the users per second (default 0)
  --latency MS|MIN-MAX  delay of every answer (default 0)
  --token-latency MS  delay of the token endpoint (default 20)
  --access-token-ttl MS   life of access tokens (default 3599000)
  --separate-grants       each refresh token is a grant of its own; at Google the grants of one person to one client are one
  --refresh-token-ttl MS  life of refresh tokens, 0 without end (default 0; 604800000 is an app in testing)
  --scopes A,B        what the users consent to (default openid,userinfo.email,gmail.readonly,calendar.readonly)
  --history-retention MS     life of history records (default 604800000)
  --sync-token-retention MS  life of Calendar's sync tokens (default 2419200000)
  --people-token-retention MS  life of People's sync tokens after the full sync (default 604800000)
  --propagation-delay MS     until changes of contacts appear in sync requests (default 0)
  --tombstone-retention MS   how long deleted events are listed (default 2592000000)
  --fresh-lag MS      messages.get answers 404 for a message this young (default 0)
  --short-pages       lists have short or empty pages with a next page token
  --recode-bodies     text bodies are recoded to UTF-8 under their original header
  --inline-body-bytes N  larger text bodies have an attachmentId and no data (default: none)
  --tier new|legacy   Google's prices since 2026-05-01, or before (default new)
  --quota-scale N     multiplies every limit per minute (default 1)
  --max-concurrent N  parts of one user in flight (default 25)
  --full-syncs N      first pages of full syncs of a list of contacts, per user and minute (default 10)
  --no-quota          count only, refuse nothing
  --eml DIR           load every file as a mail into the first account (repeatable)
  --mbox FILE         load an mbox file into the first account (repeatable)
  --ics DIR           load every file's events into a calendar of the first account (repeatable)
  --help              this text

Control calls, JSON in and out (GET /sim lists them with every fault and action):
${Object.entries(CONTROLS)
  .map(([call, what]) => `  ${call.padEnd(34)} ${what}`)
  .join('\n')}
Faults: ${MENUS.faults.join(', ')};
  once: ${MENUS.worldFaults.join(', ')} (variant: ${MENUS.revokeGrantVariants.join(', ')}).
`;

export type CommandLine =
  | { kind: 'run'; options: SimulatorOptions }
  | { kind: 'help' }
  | { kind: 'mistake'; message: string };

/** Reads the arguments; returns a single message for a mistake. */
export function readCommandLine(args: readonly string[]): CommandLine {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    return { kind: 'mistake', message: error instanceof Error ? error.message : String(error) };
  }
  if (values.help === true) return { kind: 'help' };
  const numbers = NUMBERS.map(([flag, field, least]) => ({
    flag,
    field,
    least,
    text: values[flag],
  }));
  const wrong = numbers.find(
    ({ text, least }) =>
      text !== undefined &&
      !(text.trim() !== '' && Number(text) >= least && Number.isFinite(Number(text))),
  );
  if (wrong !== undefined)
    return {
      kind: 'mistake',
      message: `--${wrong.flag} wants a number of at least ${wrong.least}, not "${wrong.text ?? ''}"`,
    };
  const latency = latencyOf(values.latency ?? '0');
  if (latency === null)
    return {
      kind: 'mistake',
      message: `--latency wants milliseconds (50) or a range (20-80), not "${values.latency ?? ''}"`,
    };
  const { tier = 'new' } = values;
  if (tier !== 'new' && tier !== 'legacy')
    return { kind: 'mistake', message: `--tier is new or legacy, not "${tier}"` };
  const counts = Object.fromEntries(
    numbers
      .filter(({ text }) => text !== undefined)
      .map(({ field, text }) => [field, Number(text)]),
  );
  return { kind: 'run', options: optionsOf(values, counts, latency, tier) };
}

function optionsOf(
  values: ReturnType<typeof parse>,
  counts: Record<string, number>,
  latencyMs: SimulatorOptions['latencyMs'],
  tier: 'new' | 'legacy',
): SimulatorOptions {
  const { scale, maxConcurrentPartsPerUser, fullSyncsPerUserMinute, ...rest } = {
    scale: 1,
    accounts: 10,
    messagesPerAccount: 300,
    ...counts,
  } as Record<string, number>;
  const shortPages = values['short-pages'] === true;
  return {
    ...rest,
    shortCalendarPages: shortPages,
    shortGmailPages: shortPages,
    shortPeoplePages: shortPages,
    ...(values['recode-bodies'] === true ? { bodyCharset: 'utf-8' } : {}),
    separateGrants: values['separate-grants'] === true,
    ...(values.scopes === undefined ? {} : { scopes: values.scopes.split(',') }),
    ...(values.host === undefined ? {} : { host: values.host }),
    latencyMs,
    emlDirectories: values.eml ?? [],
    mboxFiles: values.mbox ?? [],
    icsDirectories: values.ics ?? [],
    quota: {
      enforce: values['no-quota'] !== true,
      tier,
      scale: scale ?? 1,
      ...(maxConcurrentPartsPerUser === undefined ? {} : { maxConcurrentPartsPerUser }),
      ...(fullSyncsPerUserMinute === undefined ? {} : { fullSyncsPerUserMinute }),
    },
  };
}

/** Flag, field of the options, smallest value. */
const NUMBERS = [
  ['port', 'port', 0],
  ['seed', 'seed', 0],
  ['accounts', 'accounts', 1],
  ['messages', 'messagesPerAccount', 0],
  ['calendars', 'calendarsPerAccount', 1],
  ['events', 'eventsPerCalendar', 0],
  ['contacts', 'contactsPerAccount', 0],
  ['thread-length', 'threadLength', 1],
  ['body-bytes', 'bodyBytes', 1],
  ['rate', 'actionsPerSecond', 0],
  ['quota-scale', 'scale', 0.000_001],
  ['max-concurrent', 'maxConcurrentPartsPerUser', 1],
  ['token-latency', 'tokenLatencyMs', 0],
  ['access-token-ttl', 'accessTokenTtlMs', 1],
  ['refresh-token-ttl', 'refreshTokenTtlMs', 0],
  ['history-retention', 'historyRetentionMs', 0],
  ['sync-token-retention', 'syncTokenRetentionMs', 0],
  ['people-token-retention', 'peopleTokenRetentionMs', 0],
  ['propagation-delay', 'propagationDelayMs', 0],
  ['full-syncs', 'fullSyncsPerUserMinute', 0],
  ['tombstone-retention', 'tombstoneRetentionMs', 0],
  ['fresh-lag', 'freshMessageLagMs', 0],
  ['inline-body-bytes', 'inlineBodyBytes', 0],
] as const;

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const list = { type: 'string', multiple: true } as const;
  return parseArgs({
    args: [...args],
    allowPositionals: false,
    strict: true,
    options: {
      port: text,
      host: text,
      seed: text,
      accounts: text,
      messages: text,
      calendars: text,
      events: text,
      contacts: text,
      'thread-length': text,
      'body-bytes': text,
      rate: text,
      latency: text,
      tier: text,
      'quota-scale': text,
      'max-concurrent': text,
      'token-latency': text,
      'access-token-ttl': text,
      'refresh-token-ttl': text,
      'history-retention': text,
      'sync-token-retention': text,
      'people-token-retention': text,
      'propagation-delay': text,
      'full-syncs': text,
      'tombstone-retention': text,
      'fresh-lag': text,
      'inline-body-bytes': text,
      'recode-bodies': { type: 'boolean' },
      scopes: text,
      'short-pages': { type: 'boolean' },
      'separate-grants': { type: 'boolean' },
      'no-quota': { type: 'boolean' },
      eml: list,
      mbox: list,
      ics: list,
      help: { type: 'boolean' },
    },
  }).values;
}

function latencyOf(text: string): [number, number] | null {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (match === null) return null;
  const least = Number(match[1]);
  const most = Number(match[2] ?? match[1]);
  return least <= most ? [least, most] : null;
}
