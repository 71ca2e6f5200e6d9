import {
  changeDocument,
  checkFeedPosition,
  readFeed,
  type ChangeDocument,
  type FeedCheck,
  type FeedItem,
  type FeedPosition,
} from '@syncline/control/feed';
import { OperatorError, unreachable } from '@syncline/runtime';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { findAccount } from '../accounts.js';
import { runWithStore, wholeNumber } from '../command.js';
import { printNdjson } from '../output.js';
import { printable, printMessage } from '../terminal.js';

interface ChangesOptions {
  after: bigint;
  epoch?: number;
  limit: number;
  tenant?: string;
}

/**
 * `syncline changes EMAIL`: prints the change feed of the current epoch from a position to its
 * current end, as NDJSON.
 */
export function addChanges(program: Command): void {
  program
    .command('changes')
    .description(
      'print the change feed, {"epoch","seq","entity","id","calendarId","op","origin","at"} per line',
    )
    .argument('<email>')
    .addOption(
      new Option('--after <seq>', 'only later events; exit 1 when they are no longer kept')
        .argParser(sequenceNumber)
        // The help prints a default as JSON, which has no bigint.
        .default(0n, '0'),
    )
    .option(
      '--epoch <epoch>',
      'the epoch of --after: exit 1 when the feed has another one',
      wholeNumber(0),
    )
    .addOption(
      new Option('--limit <count>', 'at most this many')
        .argParser(wholeNumber(0))
        .default(Number.MAX_SAFE_INTEGER, 'no limit'),
    )
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'the output is NDJSON with or without it')
    .action((email: string, options: ChangesOptions) =>
      runWithStore(async (_cli, store) => {
        const account = await findAccount(store, email, options.tenant);
        const { after, limit } = options;
        const check = await checkFeedPosition({ store }, account, options);
        const notice = noticeOf(email, options, check);
        if (notice !== null) printMessage(notice);
        const { epoch } = check.feed;
        await printNdjson(documents(email, readFeed({ store }, account, { epoch, after, limit })));
        return 0;
      }),
    );
}

/**
 * Returns the notice about the requested position; null when reading may continue from it.
 * @throws OperatorError when the position belongs to another epoch, so that its next changes are
 * unknown
 */
function noticeOf(
  email: string,
  { after, epoch }: Pick<ChangesOptions, 'after' | 'epoch'>,
  check: FeedCheck,
): string | null {
  const { feed } = check;
  const advice = recovery(email, feed);
  switch (check.kind) {
    case 'applied':
      return null;
    case 'earlier-epoch':
      return `${after} is a position of an earlier epoch: the changes between it and ${feed.startSeq} are unknown. ${advice}`;
    case 'other-epoch':
      throw new OperatorError(
        `The feed of ${printable(email)} is in epoch ${feed.epoch} now, and --epoch says ${epoch}. ${advice}`,
      );
    case 'beyond-end':
      throw new OperatorError(
        `The feed of ${printable(email)} ends with ${feed.seq} in epoch ${feed.epoch}, before ${after}: that position is of another epoch. ${advice}`,
      );
    case 'pruned':
      throw new OperatorError(
        `Events of ${printable(email)} after ${after} are no longer kept: the oldest is ${feed.oldestSeq}. ${advice}`,
      );
    default:
      return unreachable(check);
  }
}

function recovery(email: string, { seq, epoch }: FeedPosition): string {
  return `List the mirror again, and continue with: syncline changes ${printable(email)} --after ${seq} --epoch ${epoch}`;
}

/** @throws OperatorError when another epoch begins meanwhile, or events are no longer kept */
async function* documents(
  email: string,
  items: AsyncIterable<FeedItem>,
): AsyncGenerator<ChangeDocument> {
  for await (const item of items) {
    if (item.kind === 'pruned')
      throw new OperatorError(
        `Events of ${printable(email)} after ${item.after} have been deleted meanwhile: the oldest is ${item.oldestSeq}. List the mirror again, and continue from the seq of \`accounts list --json\`.`,
      );
    if (item.kind === 'epoch-began')
      throw new OperatorError(
        `Another epoch of the feed, ${item.epoch}, has begun after ${item.after}. List the mirror again.`,
      );
    yield changeDocument(item.event);
  }
}

/** Parses a number up to the maximum of Postgres' bigint. */
function sequenceNumber(text: string): bigint {
  if (/^\d{1,19}$/.test(text) && BigInt(text) < 2n ** 63n) return BigInt(text);
  throw new InvalidArgumentError('It must be a whole number of at least 0.');
}
