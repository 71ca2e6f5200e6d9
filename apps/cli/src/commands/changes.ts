import type { ChangeEvent, Store } from '@syncline/store';
import { type Command, InvalidArgumentError } from 'commander';
import { findAccount } from '../accounts.js';
import { runWithStore, wholeNumber } from '../command.js';
import { printNdjson } from '../output.js';

interface ChangesOptions {
  after: bigint;
  limit: number;
  tenant?: string;
}

/** Events read at a time. */
const PAGE = 1_000;

/** `syncline changes EMAIL`: the change feed from a point on to its present end, NDJSON. */
export function addChanges(program: Command): void {
  program
    .command('changes')
    .description('print the change feed, {"seq","entity","id","calendarId","op","at"} a line')
    .argument('<email>')
    .option('--after <seq>', 'only what came later', sequenceNumber, 0n)
    .option('--limit <count>', 'no more than this', wholeNumber(0), Number.MAX_SAFE_INTEGER)
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'the output is NDJSON with or without it')
    .action((email: string, options: ChangesOptions) =>
      runWithStore(async (_cli, store) => {
        const account = await findAccount(store, email, options.tenant);
        await printNdjson(documents(store, account.id, options.after, options.limit));
        return 0;
      }),
    );
}

async function* documents(
  store: Store,
  accountId: string,
  after: bigint,
  limit: number,
): AsyncGenerator<object> {
  for (let left = limit, last = after; left > 0;) {
    const events = await store.changes(accountId, last, Math.min(PAGE, left));
    for (const event of events) yield documentOf(event);
    const end = events.at(-1);
    if (!end || events.length < PAGE) return;
    last = end.seq;
    left -= events.length;
  }
}

/** `seq` is a number while JavaScript's readers can hold it, then a string. */
function documentOf({ seq, entity, id, calendarId, op, at }: ChangeEvent): object {
  return {
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
