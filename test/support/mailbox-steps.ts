import { syncCollection, type Outcome } from '@syncline/sync';
import type { ExportedMessage } from '@syncline/store';
import type { World } from './world.js';

/**
 * The only mailbox of a world, run page by page, with the state that a crash after each page would
 * leave.
 */
export interface MailboxSteps {
  accountId: string;
  email: string;
  /** Makes one run that ends after its first page. */
  step(): Promise<Outcome>;
  /** Runs until the cursor satisfies `reached`; fails when the mailbox is caught up before. */
  stepUntil(reached: (cursor: Record<string, unknown>) => boolean): Promise<void>;
  cursor(): Promise<Record<string, unknown>>;
  act(action: object): Promise<{ messageId?: string; threadId?: string; labelId?: string }>;
  rows(): Promise<Map<string, ExportedMessage>>;
}

export async function mailboxSteps(world: World): Promise<MailboxSteps> {
  const { rows: found } = await world.database.pool.query<{
    id: string;
    account_id: string;
    email: string;
  }>(
    "SELECT c.id, account_id, email FROM syncline.collections c JOIN syncline.accounts a ON a.id = account_id WHERE kind = 'gmail'",
  );
  const mailbox = found[0]!;
  const deps = () => ({
    store: world.store,
    google: world.google,
    policy: { activeMs: 60_000, idleMs: 900_000 },
    mirror: world.mirror,
  });
  const cursor = async (): Promise<Record<string, unknown>> =>
    (
      await world.database.pool.query('SELECT cursor FROM syncline.collections WHERE id = $1', [
        mailbox.id,
      ])
    ).rows[0].cursor;
  const step = (): Promise<Outcome> =>
    syncCollection(world.rt, deps(), mailbox.id, {
      sliceMs: 0,
      signal: new AbortController().signal,
    });
  return {
    accountId: mailbox.account_id,
    email: mailbox.email,
    step,
    cursor,
    async stepUntil(reached) {
      while (!reached(await cursor()))
        if ((await step()).kind !== 'more') throw new Error('the mailbox is caught up before that');
    },
    act: async (action) =>
      (await world.control.actAs(mailbox.email, action)) as { messageId?: string },
    async rows() {
      const rows = new Map<string, ExportedMessage>();
      for await (const message of world.store.mirror.messages(mailbox.account_id))
        rows.set(message.id, message);
      return rows;
    },
  };
}
