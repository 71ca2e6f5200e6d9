import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { ACCOUNT_EVENT_KINDS, FLEET_EVENT_KINDS } from './account-events.js';
import { withActor, type AccountEvent, type AccountEventKind } from './index.js';

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

const sql = (text: string, values: unknown[] = []): Promise<unknown> =>
  fixture.database.pool.query(text, values);
const events = (limit = 1_000): Promise<AccountEvent[]> =>
  fixture.store.events.page({ accountId: fixture.accountId, before: null, limit });
const kinds = async (): Promise<AccountEventKind[]> =>
  (await events()).map(({ kind }) => kind).toReversed();
const ofMailbox = (assignments: string): Promise<unknown> =>
  sql(`UPDATE syncline.collections SET ${assignments} WHERE kind = 'gmail'`);
const ofAccount = (assignments: string): Promise<unknown> =>
  sql(`UPDATE syncline.accounts SET ${assignments}`);

/** The transitions that make each kind of event, after those before. */
const TRANSITIONS: Record<
  Exclude<AccountEventKind, 'account_connected'>,
  () => Promise<unknown>
> = {
  account_state_changed: () => ofAccount("state = 'paused', reason = 'paused by the operator'"),
  grant_replaced: () => ofAccount('grant_number = grant_number + 1'),
  address_changed: () => ofAccount("email = 'Ada@new.example', address = 'ada@new.example'"),
  resources_changed: () => ofAccount("resources = '{gmail}'"),
  full_sync_requested: () => ofMailbox('full_sync_requested = true'),
  full_sync_started: () =>
    ofMailbox("phase = 'full', full_sync_started_at = now() - interval '5 s'"),
  full_sync_finished: () => ofMailbox("phase = 'incremental', progress_done = 7"),
  repair_requested: () => ofMailbox('repair_requested = true'),
  collection_parked: () => ofMailbox("parked = 'scope', error = 'not covered', failures = 9"),
  collection_resumed: () => ofMailbox('parked = NULL, failures = 0'),
  collection_gone: () => ofMailbox("state = 'gone', error = 'left'"),
  collection_returned: () => ofMailbox("state = 'active', error = NULL"),
  errors_started: () => ofMailbox("failures = 6, error = 'Google did not answer properly'"),
  errors_stopped: () => ofMailbox('failures = 0'),
  audit_finished: async () => {
    const held = await claim(fixture, fixture.accountId, 'gmail');
    await fixture.store.audit.finish(held, { checked: 5, contents: 2, drift: 1 });
  },
  items_quarantined: () =>
    sql(
      "INSERT INTO syncline.quarantined_items (account_id, collection_id, item_id, reason) SELECT account_id, c.id, u.item, 'unreadable' FROM syncline.collections c, unnest('{a,b}'::text[]) AS u(item) WHERE kind = 'gmail'",
    ),
  project_refused: () =>
    sql(
      "INSERT INTO syncline.project_failures (project, scope, code) VALUES ('default', 'client', 'invalid_client'), ('another', 'client', 'invalid_client')",
    ),
  project_accepted: () => sql('DELETE FROM syncline.project_failures'),
  widespread_errors_started: () =>
    sql(
      "INSERT INTO syncline.fleet_events (id, kind) VALUES (nextval('syncline.account_events_id_seq'), 'widespread_errors_started')",
    ),
  widespread_errors_stopped: async () => {
    await ofMailbox('failures = 6');
    await ofMailbox('failures = 0');
  },
};

test('each transition leaves its event, once, with its fields', async () => {
  const seen: AccountEventKind[] = await kinds();
  expect(seen).toEqual(['account_connected']);
  for (const [kind, transition] of Object.entries(TRANSITIONS)) {
    if (kind === 'audit_finished') await ofAccount("state = 'active'");
    const before = await events();
    await transition();
    const after = (await events()).slice(0, -before.length);
    expect([kind, after.some((event) => event.kind === kind)]).toEqual([kind, true]);
  }
  const details = new Map((await events()).map(({ kind, detail }) => [kind, detail]));
  expect(details.get('full_sync_finished')).toEqual({ items: 7, seconds: expect.any(Number) });
  expect(details.get('full_sync_finished')?.seconds).toBeGreaterThanOrEqual(5);
  expect(details.get('audit_finished')).toEqual({ compared: 5, different: 1 });
  expect(details.get('items_quarantined')).toEqual({ items: 2, reason: 'unreadable' });
  expect(details.get('collection_parked')).toEqual({ code: 'scope', reason: 'not covered' });
  expect(details.get('project_refused')).toEqual({ part: 'client', code: 'invalid_client' });
  expect((await kinds()).filter((kind) => kind === 'project_refused')).toHaveLength(1);
});

test('the kinds of the triggers are those of the code', () => {
  const migrations = path.join(__dirname, '../../../prisma/migrations');
  const [name = ''] = readdirSync(migrations).filter((entry) => entry.endsWith('_initial'));
  const text = readFileSync(path.join(migrations, name, 'migration.sql'), 'utf8');
  const ofTriggers = [
    ...text.matchAll(/append_account_event\([^,]+, (?:CASE[^)]*?THEN )?'(\w+)'(?: ELSE '(\w+)')?/g),
    ...text.matchAll(/nextval\('account_events_id_seq'\), '(\w+)'/g),
  ].flatMap(([, ...found]) => found.filter((kind) => kind !== undefined));
  expect(new Set(ofTriggers)).toEqual(new Set([...ACCOUNT_EVENT_KINDS, ...FLEET_EVENT_KINDS]));
});

test('a sync without a transition leaves no event', async () => {
  const held = await claim(fixture, fixture.accountId, 'gmail');
  await fixture.store.leases.finish(held, { result: 'caught-up', nextInMs: 0, error: null });
  expect(await kinds()).toEqual(['account_connected']);
});

test('an event names who caused it, and a worker is nobody', async () => {
  const { accounts } = fixture.store;
  await withActor({ kind: 'key', id: 'k1' }, () => accounts.pause(fixture.accountId));
  await accounts.resume(fixture.accountId);
  expect((await events()).map(({ kind, actor }) => [kind, actor])).toEqual([
    ['account_state_changed', null],
    ['account_state_changed', 'key k1'],
    ['account_connected', null],
  ]);
});

test('failures count from the sixth in a row, and their end is one event', async () => {
  const fail = async (): Promise<void> => {
    await ofMailbox('lease_until = NULL');
    const held = await claim(fixture, fixture.accountId, 'gmail');
    await fixture.store.leases.finish(held, { result: 'failed', nextInMs: 0, error: 'no answer' });
  };
  for (let n = 0; n < 5; n++) await fail();
  expect(await kinds()).toEqual(['account_connected']);
  for (let n = 0; n < 5; n++) await fail();
  await ofMailbox('lease_until = NULL');
  const held = await claim(fixture, fixture.accountId, 'gmail');
  await fixture.store.leases.finish(held, { result: 'caught-up', nextInMs: 0, error: null });
  expect(await kinds()).toEqual(['account_connected', 'errors_started', 'errors_stopped']);
  expect((await events())[1]).toMatchObject({
    collection: { kind: 'gmail', externalId: 'mailbox' },
    detail: { failures: 6, reason: 'no answer' },
  });
});

test('an outage is one event of the fleet, and not one of each account', async () => {
  await sql(
    "INSERT INTO syncline.collections (id, account_id, kind, external_id) SELECT gen_random_uuid(), $1, 'calendar-events', 'c' || n FROM generate_series(1, 300) AS n",
    [fixture.accountId],
  );
  await sql("UPDATE syncline.collections SET failures = 6, error = 'no answer'");
  await sql('UPDATE syncline.collections SET failures = 7');
  const started = await kinds();
  expect(started.filter((kind) => kind === 'errors_started')).toHaveLength(100);
  expect(started.filter((kind) => kind === 'widespread_errors_started')).toHaveLength(1);
  await sql('UPDATE syncline.collections SET failures = 0');
  const stopped = await kinds();
  expect(stopped.filter((kind) => kind === 'errors_stopped')).toHaveLength(100);
  expect(stopped.filter((kind) => kind === 'widespread_errors_stopped')).toHaveLength(1);
  // Soon afterwards one collection fails alone.
  await ofMailbox("failures = 6, error = 'no answer'");
  const [alone] = await events();
  expect(alone).toMatchObject({ kind: 'errors_started', collection: { kind: 'gmail' } });
});

test('an account keeps its last 500 events, which leave with it', async () => {
  await sql(
    `DO $$ BEGIN FOR n IN 1..520 LOOP
       UPDATE syncline.collections SET full_sync_requested = false WHERE kind = 'gmail';
       UPDATE syncline.collections SET full_sync_requested = true WHERE kind = 'gmail';
     END LOOP; END $$`,
  );
  const kept = await events();
  expect(kept).toHaveLength(500);
  expect(kept.map(({ id }) => id)).toEqual(
    [...kept].sort((a, b) => Number(b.id - a.id)).map(({ id }) => id),
  );
  await sql('DELETE FROM syncline.collections');
  await sql('DELETE FROM syncline.accounts WHERE id = $1', [fixture.accountId]);
  expect(await events()).toEqual([]);
});

test('pages join without a gap', async () => {
  for (let n = 0; n < 7; n++) await ofAccount('grant_number = grant_number + 1');
  const all = await events();
  const paged: AccountEvent[] = [];
  for (;;) {
    const page = await fixture.store.events.page({
      accountId: fixture.accountId,
      before: paged.at(-1)?.id ?? null,
      limit: 3,
    });
    paged.push(...page);
    if (page.length < 3) break;
  }
  expect(paged).toEqual(all);
});
