import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { GoogleError, type Google, type GoogleAccount } from '@syncline/google';
import { verifyAccount } from '@syncline/sync';
import { mailboxSteps, type MailboxSteps } from '../support/mailbox-steps.js';
import { startWorld, type World } from '../support/world.js';

/* MIRROR_BODIES=raw: beside what `full` keeps, each message's source as Google has it, in the same commit as its row. One mailbox for all of it. */

const FIXTURES = path.resolve(__dirname, '../fixtures/eml');
const ODD = Buffer.concat([
  Buffer.from(
    'From: a@b.example\r\nSubject: odd bytes\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee below\r\n--b\r\nContent-Type: application/octet-stream; name=all.bin\r\nContent-Transfer-Encoding: 8bit\r\n\r\n',
  ),
  Buffer.from(Array.from({ length: 512 }, (_, i) => i % 256)),
  Buffer.from(
    `\r\n--b\r\nContent-Type: application/pdf; name=x.pdf\r\nContent-Disposition: attachment; filename=x.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.alloc(30_000, 7).toString('base64')}\r\n--b--\r\n\n\0`,
  ),
]);
const NOTHING = { resource: 'gmail', missing: [], extra: [], stale: [], unread: [] };

let world: World;
let mailbox: MailboxSteps;
/** What was delivered, by message. */
const delivered = new Map<string, Buffer>();

beforeAll(async () => {
  world = await startWorld({
    seed: 83,
    accounts: 1,
    messagesPerAccount: 60,
    calendarsPerAccount: 0,
    eventsPerCalendar: 0,
    mirror: { bodies: 'raw' },
  });
  mailbox = await mailboxSteps(world);
  for (const file of readdirSync(FIXTURES)) await deliver(readFileSync(path.join(FIXTURES, file)));
  await deliver(ODD);
});
afterAll(() => world.close());

async function deliver(mail: Buffer): Promise<string> {
  const { messageId = '' } = await mailbox.act({
    action: 'deliver',
    rawBase64: mail.toString('base64'),
  });
  delivered.set(messageId, mail);
  return messageId;
}

async function sources(): Promise<Map<string, Buffer>> {
  const found = await world.database.pool.query<{ message_id: string; source: Buffer }>(
    'SELECT message_id, source FROM syncline.gmail_sources',
  );
  return new Map(found.rows.map((row) => [row.message_id, row.source]));
}

const without = async (): Promise<number> =>
  (
    await world.database.pool.query(
      'SELECT count(*)::int AS n FROM syncline.gmail_messages m FULL JOIN syncline.gmail_sources s ON s.account_id = m.account_id AND s.message_id = m.id WHERE s.message_id IS NULL OR m.id IS NULL',
    )
  ).rows[0].n;
const gets = async (): Promise<{ calls: number; units: number }> =>
  (await world.store.quota.today())
    .filter(({ method }) => method === 'gmail.users.messages.get')
    .reduce((sum, { calls, units }) => ({ calls: sum.calls + calls, units: sum.units + units }), {
      calls: 0,
      units: 0,
    });

/** With a fleet at work, which catches up before the second sync. */
async function verify(): ReturnType<typeof verifyAccount> {
  const over = new AbortController();
  const fleet = (async () => {
    while (!over.signal.aborted) await world.catchUp();
  })();
  const report = await verifyAccount(world.rt, world, mailbox.accountId, 'gmail');
  over.abort();
  await fleet;
  return report;
}

/** The real client, whose sources are refused from the fourth of a page on, once. */
function shortOfQuota(google: Google): { google: Google; refused: () => number } {
  let refused = 0;
  const guard = ({ gmail, ...rest }: GoogleAccount): GoogleAccount => ({
    ...rest,
    gmail: {
      ...gmail,
      getSources: async (messages) => {
        const late =
          refused > 0
            ? []
            : messages.slice(3).map(({ id }) => ({
                id,
                error: new GoogleError('gmail.users.messages.get', {
                  kind: 'rate-limited',
                  scope: 'user',
                  retryAfterMs: 50,
                  source: 'governor',
                }),
              }));
        refused += late.length;
        const answer = await gmail.getSources(messages.slice(0, messages.length - late.length));
        return { ...answer, failed: [...answer.failed, ...late] };
      },
    },
  });
  return {
    google: { ...google, account: (accountId, call) => guard(google.account(accountId, call)) },
    refused: () => refused,
  };
}

test('when quota ends among the sources, messages are stored with their source or not at all, and the full sync completes', async () => {
  const real = world.google;
  const short = shortOfQuota(real);
  world.google = short.google;
  while (short.refused() === 0) await mailbox.step();
  expect([short.refused() > 0, (await sources()).size > 0, await without()]).toEqual([
    true,
    true,
    0,
  ]);
  world.google = real;
  await world.catchUp();
  const rows = await mailbox.rows();
  expect([rows.size, (await sources()).size, await without()]).toEqual([
    60 + delivered.size,
    rows.size,
    0,
  ]);
  expect((await world.drift()).stale).toEqual([]);
});

test('a source is the mail byte for byte, with attachments, NUL, 8 bit and any line ends', async () => {
  const kept = await sources();
  expect([...delivered].filter(([id, mail]) => !kept.get(id)?.equals(mail))).toEqual([]);
  const rows = [...(await mailbox.rows()).values()];
  expect(
    rows.filter(
      ({ id, sizeEstimate }) => sizeEstimate !== null && kept.get(id)?.length !== sizeEstimate,
    ),
  ).toEqual([]);
  expect(rows.some(({ attachments }) => attachments.length > 0)).toBe(true);
  expect(await world.store.mirror.source(mailbox.accountId, [...delivered.keys()].at(-1)!)).toEqual(
    ODD,
  );
  expect(await verify()).toEqual({ ...NOTHING, checked: rows.length });
});

test('a new message is stored with its source at twice the price, a label costs nothing, and a deletion deletes the source', async () => {
  const before = await gets();
  const ids = [
    await deliver(ODD),
    await deliver(Buffer.from('Subject: one\n\nbare line feeds\n')),
    await deliver(ODD),
  ];
  await world.catchUp();
  const after = await gets();
  expect([after.calls - before.calls, after.units - before.units]).toEqual([2 * 3, 2 * 3 * 20]);
  const kept = await sources();
  expect(ids.map((id) => kept.get(id)?.equals(delivered.get(id)!))).toEqual([true, true, true]);
  await mailbox.act({ action: 'label', messageId: ids[0], labelIds: ['STARRED'] });
  await mailbox.act({ action: 'delete', messageId: ids[1] });
  await world.catchUp();
  expect(await gets()).toEqual(after);
  expect([(await sources()).has(ids[0]!), (await sources()).has(ids[1]!), await without()]).toEqual(
    [true, false, 0],
  );
  delivered.delete(ids[1]!);
});

test('a message whose source is missing is stale, and a repair fetches it', async () => {
  const [id] = [...delivered.keys()];
  await world.database.pool.query('DELETE FROM syncline.gmail_sources WHERE message_id = $1', [id]);
  expect(await verify()).toMatchObject({ stale: [id] });
  await world.store.quarantine.wantMessages(mailbox.accountId, [id!]);
  await world.catchUp();
  expect((await sources()).get(id!)).toEqual(delivered.get(id!));
});

test('a full sync removes sources under a policy without them, and restores them under one with them', async () => {
  const count = (await mailbox.rows()).size;
  world.mirror = { bodies: 'full' };
  const arrived = await deliver(ODD);
  await world.catchUp();
  expect([(await sources()).size, (await sources()).has(arrived)]).toEqual([count, false]);
  expect((await verify()).stale).toHaveLength(count);
  await world.store.schedule.requestSync([mailbox.accountId], { resource: 'gmail', full: true });
  await world.catchUp();
  expect([(await sources()).size, await verify()]).toEqual([0, { ...NOTHING, checked: count + 1 }]);
  world.mirror = { bodies: 'raw' };
  await world.store.schedule.requestSync([mailbox.accountId], { resource: 'gmail', full: true });
  await world.catchUp();
  expect([(await sources()).get(arrived), await without(), (await verify()).stale]).toEqual([
    ODD,
    0,
    [],
  ]);
});
