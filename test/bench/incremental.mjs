/**
 * incremental: a fleet of 5,000 accounts with unchanged mailboxes, all due at once, several times:
 * how many syncs a second, and what each costs the worker. The accounts are copies of a mirrored
 * one: for the fleet they are 5,000 mailboxes, each with a lease, a cursor, a token and a quota of
 * its own, while the simulator needs only one.
 */
import { figure } from './figures.mjs';
import { allStored, withFleet, withServers } from './fleet.mjs';
import { spentBetween } from './meter.mjs';
import { usage } from './processes.mjs';

const ACCOUNTS = 5_000;
const MESSAGES = 20;
const ROUNDS = 2;
/** No collection becomes due by itself during the measurement. */
const POLL_SECONDS = '3600';

export async function incremental() {
  const simulator = [
    '--accounts',
    1,
    '--messages',
    MESSAGES,
    '--calendars',
    1,
    '--token-latency',
    0,
  ];
  const env = {
    POLL_INTERVAL_ACTIVE_SECONDS: POLL_SECONDS,
    POLL_INTERVAL_IDLE_SECONDS: POLL_SECONDS,
  };
  await withServers((servers) =>
    withFleet(servers, { simulator, env }, async (fleet) => {
      console.log(
        `incremental, ${ACCOUNTS} accounts without news, due at once, ${ROUNDS} times; no latency, one worker`,
      );
      await fleet.due();
      await allStored(fleet.pool, MESSAGES);
      await caughtUp(fleet.pool, null);
      await copyAccount(fleet, ACCOUNTS - 1);
      await caughtUp(fleet.pool, await dueAgain(fleet)); // Every account has its access token now.
      await measure(fleet);
    }),
  );
}

async function measure(fleet) {
  const began = performance.now();
  const before = fleet.read();
  for (let round = 0; round < ROUNDS; round++) await caughtUp(fleet.pool, await dueAgain(fleet));
  const seconds = (performance.now() - began) / 1_000;
  const syncs = ACCOUNTS * ROUNDS;
  const spent = spentBetween(before, fleet.read(), syncs / 1_000, seconds);
  figure('no-change syncs', syncs / seconds, 'syncs/s', '≥ 500');
  figure('no-change syncs, worker CPU', spent.each.worker, 'ms each', '≤ 2');
  for (const name of ['postgres', 'redis', 'scheduler', 'simulator'])
    figure(`no-change syncs, ${name} CPU`, spent.each[name], 'ms each');
  console.log(
    `  together ${spent.together.toFixed(2)} CPU ms each; others used ${spent.others.toFixed(2)} cores meanwhile`,
  );
  figure(
    `worker's peak RSS with ${ACCOUNTS} active accounts`,
    usage(fleet.workers).peakMb,
    'MB',
    '≤ 300',
  );
}

async function copyAccount({ pool, openStore }, copies) {
  const far = "now() + interval '1 hour'";
  await pool.query(
    `INSERT INTO syncline.accounts (id, tenant, email, address, resources) SELECT gen_random_uuid(), tenant, 'copy-' || n || '@demo.example', 'copy-' || n || '@demo.example', resources FROM syncline.accounts, generate_series(1, ${copies}) AS n`,
  );
  await pool.query(
    'INSERT INTO syncline.credentials (account_id, sealed, key_id) SELECT a.id, c.sealed, c.key_id FROM syncline.credentials c JOIN syncline.accounts a ON a.id <> c.account_id',
  );
  await pool.query(`INSERT INTO syncline.collections (id, account_id, kind, external_id, phase, cursor, generation, full_sync_started_at, next_sync_at)
    SELECT gen_random_uuid(), a.id, c.kind, c.external_id, c.phase, c.cursor, c.generation, c.full_sync_started_at, ${far} FROM syncline.collections c JOIN syncline.accounts a ON a.id <> c.account_id`);
  const { rows } = await pool.query(
    "SELECT id, token_version AS version, email LIKE 'copy-%' AS copy FROM syncline.accounts ORDER BY copy",
  );
  const store = await openStore();
  try {
    const [original, ...others] = rows;
    const grant = await store.vault.grant(original.id);
    if (grant.kind !== 'stored') throw new Error(`the first account's grant is ${grant.kind}`);
    for (const { id, version } of others)
      if (!(await store.vault.rotated(id, grant.refreshToken, version)))
        throw new Error('the grant of a copied account changed meanwhile');
    // The mailbox's address differs from those of the copies, so a check of the grant would refuse
    // them: each copy gets an identity of its own that counts as checked.
    await pool.query(
      'INSERT INTO syncline.identities (id, project) SELECT id, project FROM syncline.accounts WHERE identity_id IS NULL',
    );
    await pool.query(
      'UPDATE syncline.accounts SET identity_id = id, verified_grant = grant_number WHERE identity_id IS NULL',
    );
  } finally {
    await store.close();
  }
}

async function dueAgain(fleet) {
  const { rows } = await fleet.pool.query('SELECT clock_timestamp()::text AS at');
  await fleet.due();
  return rows[0].at;
}

/** Waits until every mailbox was caught up by a run that began after `since`. */
async function caughtUp(pool, since) {
  for (;;) {
    const { rows } = await pool.query(
      'SELECT count(*) AS open FROM syncline.collections WHERE caught_up_at IS NULL OR caught_up_at < coalesce($1::timestamptz, caught_up_at)',
      [since],
    );
    if (Number(rows[0].open) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
