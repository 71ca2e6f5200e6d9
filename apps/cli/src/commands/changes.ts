import { OperatorError } from '@syncline/runtime';
import type { ChangeEvent, FeedPosition, Store } from '@syncline/store';
import { type Command, InvalidArgumentError } from 'commander';
import { findAccount } from '../accounts.js';
import { wholeNumber } from '../command.js';
import { printNdjson } from '../output.js';
import { printable, say } from '../terminal.js';
import { runWithControl } from '../with-control.js';

interface ChangesOptions {
  after: bigint;
  epoch?: number;
  limit: number;
  tenant?: string;
}

/** Events read at a time. */
const PAGE = 1_000;

/**
 * `syncline changes EMAIL`: the change feed of the present epoch from a point on to its present
 * end, NDJSON.
 */
export function addChanges(program: Command): void {
  program
    .command('changes')
    .description(
      'print the change feed, {"epoch","seq","entity","id","calendarId","op","at"} a line',
    )
    .argument('<email>')
    .option('--after <seq>', 'only what came later', sequenceNumber, 0n)
    .option(
      '--epoch <epoch>',
      'the epoch that --after is of: exit 1 when the feed has another one by now',
      wholeNumber(0),
    )
    .option('--limit <count>', 'no more than this', wholeNumber(0), Number.MAX_SAFE_INTEGER)
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'the output is NDJSON with or without it')
    .action((email: string, options: ChangesOptions) =>
      runWithControl(async (control, _cli, store) => {
        const account = await findAccount(control, email, options.tenant);
        const position = await store.feed.position(account.id);
        const notice = noticeOf(email, options, position);
        if (notice !== null) say(notice);
        const { after, limit } = options;
        await printNdjson(documents(store, account.id, { epoch: position.epoch, after, limit }));
        return 0;
      }),
    );
}

/**
 * The notice about the requested position; null when it can be followed.
 * @throws OperatorError when it is a position of another epoch: what follows it cannot be told
 */
export function noticeOf(
  email: string,
  { after, epoch }: Pick<ChangesOptions, 'after' | 'epoch'>,
  feed: FeedPosition,
): string | null {
  const anew = `List the mirror again, and follow it with: syncline changes ${printable(email)} --after ${feed.seq} --epoch ${feed.epoch}`;
  if (epoch !== undefined && epoch !== feed.epoch)
    throw new OperatorError(
      `The feed of ${printable(email)} is in epoch ${feed.epoch} now, and --epoch says ${epoch}. ${anew}`,
    );
  if (after > feed.seq)
    throw new OperatorError(
      `The feed of ${printable(email)} ends with ${feed.seq} in epoch ${feed.epoch}, before ${after}: that position is of another epoch. ${anew}`,
    );
  return after > 0n && after < feed.startSeq
    ? `${after} is a position of an earlier epoch: what came between it and ${feed.startSeq} is not told. ${anew}`
    : null;
}

/** @throws OperatorError when another epoch begins meanwhile */
async function* documents(
  store: Store,
  accountId: string,
  { epoch, after, limit }: { epoch: number; after: bigint; limit: number },
): AsyncGenerator<object> {
  for (let left = limit, last = after; left > 0;) {
    const events = await store.changes(accountId, last, Math.min(PAGE, left));
    for (const event of events) {
      if (event.epoch !== epoch)
        throw new OperatorError(
          `Another epoch of the feed, ${event.epoch}, has begun after ${last}. List the mirror again.`,
        );
      yield documentOf(event);
    }
    const end = events.at(-1);
    if (!end || events.length < PAGE) return;
    last = end.seq;
    left -= events.length;
  }
}

/** `seq` is a number while JavaScript's readers can hold it, then a string. */
function documentOf({ epoch, seq, entity, id, calendarId, op, at }: ChangeEvent): object {
  return {
    epoch,
    seq: seq <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seq) : String(seq),
    entity,
    id,
    calendarId,
    op,
    at,
  };
}

/** Up to Postgres' bigint. */
function sequenceNumber(text: string): bigint {
  if (/^\d{1,19}$/.test(text) && BigInt(text) < 2n ** 63n) return BigInt(text);
  throw new InvalidArgumentError('It must be a whole number of at least 0.');
}
