import { claim, storeFixture, type StoreFixture } from '../../../../test/support/database.js';
import type { Lease, PageCommit } from '../index.js';

/* When the next incremental sync of a collection is due, and what hinders it. */

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

const mailbox = (): Promise<Lease> => claim(fixture, fixture.accountId, 'gmail');

interface Row {
  /** Seconds until the next sync is due; null: nothing is promised. */
  promisedIn: number | null;
  code: string | null;
}

async function row(): Promise<Row> {
  const { rows } = await fixture.database.pool.query<Row>(
    `SELECT round(extract(epoch FROM promised_at - now()))::int AS "promisedIn", reason_code AS code FROM syncline.collections WHERE kind = 'gmail'`,
  );
  return rows[0] as Row;
}

const page = (phase: 'full' | 'incremental'): PageCommit => ({
  cursor: { phase },
  phase,
  generation: 1,
  delta: { kind: 'none' },
  origin: 'live',
});

/** Leaves the mailbox caught up, and due again in 600 s. */
async function catchUp(): Promise<void> {
  const lease = await mailbox();
  await fixture.store.leases.commitPage(lease, page('incremental'));
  await fixture.store.leases.finish(lease, { result: 'caught-up', nextInMs: 600_000, error: null });
}

const near = (seconds: number): number => expect.closeTo(seconds, -1) as number;

test('nothing is promised before the first incremental sync, and the first one is due as soon as it can begin', async () => {
  expect(await row()).toEqual({ promisedIn: null, code: null });
  const lease = await mailbox();
  await fixture.store.leases.commitPage(lease, page('full'));
  expect((await row()).promisedIn).toBeNull();
  await fixture.store.leases.commitPage(lease, page('incremental'));
  expect((await row()).promisedIn).toEqual(near(0));
});

test('only a run that caught up moves the date: claims, failures and postponements do not', async () => {
  await catchUp();
  expect(await row()).toEqual({ promisedIn: near(600), code: null });
  await fixture.database.pool.query('UPDATE syncline.collections SET next_sync_at = now()');
  await fixture.store.schedule.claimDue({ limit: 10, visibilityMs: 30_000 });
  const snoozed = await mailbox();
  await fixture.store.leases.finish(snoozed, {
    result: 'snoozed',
    nextInMs: 60_000,
    error: 'Google did not answer properly; trying again',
    reasonCode: 'transient-errors',
    countsAsFailure: true,
  });
  expect(await row()).toEqual({ promisedIn: near(600), code: 'transient-errors' });
  await fixture.store.leases.finish(await mailbox(), {
    result: 'failed',
    nextInMs: 60_000,
    error: 'a bug',
    reasonCode: 'run-failed',
  });
  expect(await row()).toEqual({ promisedIn: near(600), code: 'run-failed' });
  await fixture.store.leases.finish(await mailbox(), {
    result: 'caught-up',
    nextInMs: 900_000,
    error: null,
  });
  expect(await row()).toEqual({ promisedIn: near(900), code: null });
});

test('a parked collection is named instead of late, and is due from the moment on at which it may continue', async () => {
  await catchUp();
  const park = async (): Promise<void> =>
    void (await fixture.store.leases.park(await mailbox(), {
      cause: 'client',
      reason: "Google refuses the project's OAuth client",
      nextInMs: 0,
      waitsFor: { project: 'default', scope: 'client', code: 'invalid_client', tryInMs: 60_000 },
    }));
  await park();
  expect(await row()).toEqual({ promisedIn: null, code: 'parked-client' });
  // A postponement while it is parked does not hide why it is parked.
  await fixture.store.leases.finish(await mailbox(), {
    result: 'snoozed',
    nextInMs: 0,
    error: 'waiting for quota',
    reasonCode: 'quota-user',
  });
  expect(await row()).toEqual({ promisedIn: null, code: 'parked-client' });
  await fixture.store.projects.recovered({ project: 'default', scope: 'client' });
  expect(await row()).toEqual({ promisedIn: near(0), code: null });
  await park();
  const lease = await mailbox();
  await fixture.store.leases.commitPage(lease, page('incremental'));
  expect(await row()).toEqual({ promisedIn: near(0), code: null });
});

test('a full sync is a class of its own', async () => {
  await catchUp();
  const lease = await mailbox();
  await fixture.store.leases.commitPage(lease, page('full'));
  await fixture.store.leases.finish(lease, { result: 'more', nextInMs: 0, error: null });
  expect(await row()).toEqual({ promisedIn: null, code: null });
});

test('an account that is not active promises nothing, and says why itself', async () => {
  await catchUp();
  await fixture.store.accounts.pause(fixture.accountId);
  expect(await row()).toEqual({ promisedIn: null, code: null });
  await fixture.store.accounts.resume(fixture.accountId);
  expect(await row()).toEqual({ promisedIn: near(0), code: null });
  await fixture.store.leases.requireReauth(await mailbox(), {
    reason: 'invalid_grant',
    code: 'grant-refused',
    probeInMs: null,
  });
  expect(await row()).toEqual({ promisedIn: null, code: 'grant-refused' });
  await fixture.store.accounts.import({
    email: 'ada@example.com',
    refreshToken: '1//another',
    tenant: 'default',
  });
  expect(await row()).toEqual({ promisedIn: near(0), code: null });
});

test('what Google no longer shows promises nothing', async () => {
  await catchUp();
  await fixture.store.leases.finishGone(await mailbox(), 'Google no longer shows it');
  expect(await row()).toEqual({ promisedIn: null, code: null });
});
