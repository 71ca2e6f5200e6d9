import { verifyAccount, type MirrorPolicy } from '@syncline/sync';
import { startWorld, type World } from '../support/world.js';

/* What is kept of a body is a policy, and backfill, incremental sync and verify agree on it. */

let world: World;
afterEach(() => world.close());

const kept = async (): Promise<{ text: number; html: number; messages: number; attachments: number }> =>
  (await world.database.pool.query('SELECT count(text_plain)::int AS text, count(text_html)::int AS html, (SELECT count(*)::int FROM gmail_messages) AS messages, (SELECT count(*)::int FROM gmail_attachments) AS attachments FROM gmail_bodies')).rows[0];

async function mirrored(mirror: Partial<MirrorPolicy>): Promise<void> {
  world = await startWorld({ seed: 81, accounts: 1, messagesPerAccount: 80, calendarsPerAccount: 1, eventsPerCalendar: 3, mirror });
  await world.catchUp();
  const [account] = await world.control.accounts();
  for (let i = 0; i < 5; i++) await world.control.actAs(account!.email, { action: 'deliver' });
  await world.control.actAs(account!.email, { action: 'deliver', html: '<p>Only html</p>' });
  await world.control.actAs(account!.email, { action: 'deliver', text: 'Only text' });
  await world.catchUp();
}

test.each([
  ['full', (has: { text: number; html: number }) => has.text > 0 && has.html > 0],
  ['text', (has: { text: number; html: number }) => has.text > 0 && has.html === 0],
  ['none', (has: { text: number; html: number }) => has.text === 0 && has.html === 0],
] as const)('%s', async (bodies, asSaid) => {
  await mirrored({ bodies });
  const has = await kept();
  expect(has).toEqual(expect.objectContaining({ messages: 87, attachments: expect.any(Number) }));
  expect(has.attachments).toBeGreaterThan(0);
  expect(asSaid(has)).toBe(true);
  const accountId = (await world.store.accounts.list())[0]!.id;
  expect(await verifyAccount(world.rt, { ...world, mirror: { bodies } }, accountId, 'gmail')).toEqual({ resource: 'gmail', checked: 87, missing: [], extra: [], stale: [] });
});
