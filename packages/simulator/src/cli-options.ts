/** The command line of the simulator's process. */
import { parseArgs } from 'node:util';
import type { SimulatorOptions } from './options.js';

export const HELP = `Usage: npm run simulator -- [options]

Serves Gmail, Calendar and OAuth on one origin, with seeded accounts, Google's quotas and faults on order.
Prints {"url":"http://…"} on stdout when it listens; control it under /sim/ (GET /sim/accounts lists what to import).

  --port N            port to listen on (default: any free one)
  --host ADDRESS      address to listen on (default 127.0.0.1)
  --seed N            seed of the world (default 1)
  --accounts N        user1@demo.example … (default 10)
  --messages N        messages of each account (default 300)
  --calendars N       calendars of each account (default 2)
  --events N          events of each calendar (default 30)
  --thread-length N   mean messages of a thread (default 3)
  --body-bytes N      mean bytes of a message's text (default 5000)
  --rate N            actions per second that the users take on their own (default 0)
  --latency MS|MIN-MAX  delay of every answer (default 0)
  --tier new|legacy   Google's prices since 2026-05-01, or before (default new)
  --quota-scale N     multiplies every limit per minute (default 1)
  --no-quota          count only, refuse nothing
  --eml DIR           load every file as a mail into the first account (repeatable)
  --mbox FILE         load an mbox file into the first account (repeatable)
  --ics DIR           load every file's events into a calendar of the first account (repeatable)
  --help              this text
`;

export type CommandLine = { kind: 'run'; options: SimulatorOptions } | { kind: 'help' } | { kind: 'mistake'; message: string };

/** Reads the arguments; a mistake comes back as one clear message. */
export function readCommandLine(args: readonly string[]): CommandLine {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    return { kind: 'mistake', message: error instanceof Error ? error.message : String(error) };
  }
  if (values.help === true) return { kind: 'help' };
  const numbers = NUMBERS.map(([flag, field, least]) => ({ flag, field, least, text: values[flag] }));
  const wrong = numbers.find(({ text, least }) => text !== undefined && !(text.trim() !== '' && Number(text) >= least && Number.isFinite(Number(text))));
  if (wrong !== undefined) return { kind: 'mistake', message: `--${wrong.flag} wants a number of at least ${wrong.least}, not "${wrong.text ?? ''}"` };
  const latency = latencyOf(values.latency ?? '0');
  if (latency === null) return { kind: 'mistake', message: `--latency wants milliseconds (50) or a range (20-80), not "${values.latency ?? ''}"` };
  const { tier = 'new' } = values;
  if (tier !== 'new' && tier !== 'legacy') return { kind: 'mistake', message: `--tier is new or legacy, not "${tier}"` };
  const counts = Object.fromEntries(numbers.filter(({ text }) => text !== undefined).map(({ field, text }) => [field, Number(text)]));
  const { scale, ...rest } = { scale: 1, accounts: 10, messagesPerAccount: 300, ...counts } as Record<string, number>;
  return {
    kind: 'run',
    options: {
      ...rest, ...(values.host === undefined ? {} : { host: values.host }), latencyMs: latency, emlDirectories: values.eml ?? [], mboxFiles: values.mbox ?? [], icsDirectories: values.ics ?? [],
      quota: { enforce: values['no-quota'] !== true, tier, scale: scale ?? 1 },
    },
  };
}

/** Flag, field of the options, least value. */
const NUMBERS = [
  ['port', 'port', 0], ['seed', 'seed', 0], ['accounts', 'accounts', 1], ['messages', 'messagesPerAccount', 0], ['calendars', 'calendarsPerAccount', 1],
  ['events', 'eventsPerCalendar', 0], ['thread-length', 'threadLength', 1], ['body-bytes', 'bodyBytes', 1], ['rate', 'actionsPerSecond', 0], ['quota-scale', 'scale', 0.000_001],
] as const;

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const list = { type: 'string', multiple: true } as const;
  return parseArgs({
    args: [...args], allowPositionals: false, strict: true,
    options: {
      'port': text, 'host': text, 'seed': text, 'accounts': text, 'messages': text, 'calendars': text, 'events': text, 'thread-length': text, 'body-bytes': text,
      'rate': text, 'latency': text, 'tier': text, 'quota-scale': text, 'no-quota': { type: 'boolean' }, 'eml': list, 'mbox': list, 'ics': list, 'help': { type: 'boolean' },
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
