/**
 * A consumer in a process of its own, which a test kills: `node consumer-child.mjs MODE`, with what
 * it works on in SETTINGS. It prints a line for each transaction.
 *
 * Its table counts the changes of each object, so that a change that is applied twice is seen.
 */
import { createClient } from '@syncline/client';
import { consume } from '@syncline/client/pg';
import pg from 'pg';

const [mode] = process.argv.slice(2);
const { url, key, account, databaseUrl } = JSON.parse(process.env.SETTINGS);
const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
const source = createClient({ url, key }).feed(account);

if (mode === 'checkpoint')
  await consume(pool, { consumer: 'copy', source: unreliable(source), apply });
else await consumeWithout();

/** Begins at 0 whenever it starts, as a consumer does that remembers nothing. */
async function consumeWithout() {
  for await (const { events, seq } of source.batches({ after: 0 })) {
    await apply(pool, events);
    console.log(JSON.stringify({ seq }));
  }
}

async function apply(tx, events) {
  const changes = new Map();
  for (const { entity, id, op } of events)
    if (entity === 'message')
      changes.set(id, { count: (changes.get(id)?.count ?? 0) + 1, isThere: op !== 'deleted' });
  const rows = [...changes].map(([id, { count, isThere }]) => ({ id, count, isThere }));
  await tx.query(
    `INSERT INTO copies (id, changes, is_there) SELECT id, count, "isThere" FROM jsonb_to_recordset($1) AS r (id text, count int, "isThere" boolean)
     ON CONFLICT (id) DO UPDATE SET changes = copies.changes + excluded.changes, is_there = excluded.is_there`,
    [JSON.stringify(rows)],
  );
  console.log(JSON.stringify({ seq: events.at(-1)?.seq ?? 0 }));
}

/** The same feed, with batches that come twice, overlap, or are lost on their way. */
function unreliable(feed) {
  return {
    ...feed,
    async *batches(options) {
      let before = null;
      for await (const batch of feed.batches(options)) {
        const chance = Math.random();
        if (chance < 0.1) continue;
        yield batch;
        if (chance < 0.2) yield batch;
        if (chance < 0.3 && before?.epoch === batch.epoch)
          yield { ...batch, events: [...before.events, ...batch.events] };
        before = batch;
      }
    },
  };
}
