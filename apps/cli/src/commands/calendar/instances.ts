import {
  DEFAULT_INSTANCE_LIMIT,
  listInstances,
  MAX_INSTANCE_LIMIT,
  rangeProblem,
} from '@syncline/control/calendar/instances';
import { OperatorError } from '@syncline/runtime';
import { type Command, InvalidArgumentError } from 'commander';
import { findAccount } from '../../accounts.js';
import { runWithStore, wholeNumber } from '../../command.js';
import { UsageError } from '../../errors.js';
import { printNdjson } from '../../output.js';
import { printMessage } from '../../terminal.js';

interface InstancesOptions {
  calendar: string;
  from: number;
  to: number;
  limit: number;
  tenant?: string;
}

/**
 * `syncline instances EMAIL --calendar ID --from … --to …`: lists the single events of a time range
 * from the mirror, with series expanded, sorted by start.
 */
export function addInstances(program: Command): void {
  program
    .command('instances')
    .description(
      'print the events of a time range with series expanded, {"calendarId","event"} per line',
    )
    .argument('<email>')
    .requiredOption('--calendar <id>', "the calendar's id, or primary")
    .requiredOption(
      '--from <time>',
      'events that end after it: RFC 3339 with an offset, or a date (midnight UTC)',
      instant,
    )
    .requiredOption('--to <time>', 'events that start before it', instant)
    .option(
      '--limit <count>',
      'at most this many',
      wholeNumber(1, MAX_INSTANCE_LIMIT),
      DEFAULT_INSTANCE_LIMIT,
    )
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'the output is NDJSON with or without it')
    .action((email: string, options: InstancesOptions) =>
      runWithStore(async (_cli, store) => {
        const range = { timeMinMs: options.from, timeMaxMs: options.to };
        const problem = rangeProblem(range);
        if (problem !== null) throw new UsageError(RANGE_PROBLEMS[problem]);
        const account = await findAccount(store, email, options.tenant);
        const { calendar: calendarId, limit } = options;
        const list = await listInstances({ store }, account, { ...range, calendarId, limit });
        if (list.kind === 'no-calendar')
          throw new OperatorError(
            `The mirror of ${email} has no calendar of that id; export --resource calendar and the table calendars name them.`,
          );
        await printNdjson(lines(list.calendarId, list.events));
        if (!list.complete)
          printMessage(
            `incomplete: there are more than ${limit}, or the search of a rule was too long; use a shorter range or a larger --limit`,
          );
        return list.complete ? 0 : 1;
      }),
    );
}

const RANGE_PROBLEMS = {
  empty: '--from must be before --to',
  'too-long': '--from to --to may span 100 years at most',
} as const;

async function* lines(calendarId: string, events: readonly object[]): AsyncGenerator<object> {
  for (const event of events) yield { calendarId, event };
}

function instant(text: string): number {
  const form = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/;
  const ms = form.test(text) && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new InvalidArgumentError(
      'It must be a date, or a time with an offset like 2026-03-01T09:00:00+01:00.',
    );
  return ms;
}

/** Whether the day exists: `Date.parse` reads the 30th of February as the 1st of March. */
function isDay(day: string): boolean {
  const ms = Date.parse(day);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}
