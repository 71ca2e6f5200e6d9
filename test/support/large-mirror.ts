import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/** Amounts with which every command prints more than a pipe's buffer holds. */
export const LARGE = {
  accounts: 1_600,
  messages: 4_000,
  events: 2_000,
  changes: 3_000,
  calendars: 400,
  quarantined: 900,
  sourceBytes: 200_000,
  apiKeys: 1_000,
  /** An account keeps 500. */
  accountEvents: 490,
};

/** Fills an account's mirror, and adds accounts that are not synced. */
export async function fillMirror(pool: pg.Pool, accountId: string): Promise<void> {
  await fillAccounts(pool);
  await pool.query(
    `INSERT INTO syncline.api_keys (id, hash, name, scopes) SELECT lpad(n::text, 10, '0'), decode(repeat('00', 32), 'hex'), 'backend ' || n, '{accounts:read,accounts:write}' FROM generate_series(1, $1::int) AS n`,
    [LARGE.apiKeys],
  );
  await pool.query(
    `INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, snippet, subject, resource)
     SELECT $1, 'f' || lpad(to_hex(n), 15, '0'), 'f' || lpad(to_hex(n), 15, '0'), n, '{INBOX}', now(), 'snippet ' || n, 'subject ' || n, '{}' FROM generate_series(1, $2::int) AS n`,
    [accountId, LARGE.messages],
  );
  await pool.query(
    `INSERT INTO syncline.gmail_sources (account_id, message_id, source) SELECT $1, 'f000000000000001', decode(repeat('41', $2::int), 'hex')`,
    [accountId, LARGE.sourceBytes],
  );
  await pool.query(
    `INSERT INTO syncline.calendars (account_id, id, time_zone, is_primary, resource) VALUES ($1, 'large@example.com', 'UTC', false, '{}')`,
    [accountId],
  );
  await pool.query(
    `INSERT INTO syncline.calendar_events (account_id, calendar_id, id, status, is_recurring, start_at, end_at, resource)
     SELECT $1, 'large@example.com', 'event' || n, 'confirmed', false, t, t + interval '30 minutes',
            jsonb_build_object('id', 'event' || n, 'status', 'confirmed', 'start', jsonb_build_object('dateTime', to_char(t, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), 'end', jsonb_build_object('dateTime', to_char(t + interval '30 minutes', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))
       FROM (SELECT n, '2026-03-01T00:00:00Z'::timestamptz + n * interval '10 minutes' AS t FROM generate_series(1, $2::int) AS n) AS e`,
    [accountId, LARGE.events],
  );
  await pool.query(
    `INSERT INTO syncline.collections (id, account_id, tenant, kind, external_id, parked, error, next_sync_at)
     SELECT gen_random_uuid(), $1, 'default', 'calendar-events', 'calendar' || n || '@example.com', 'forbidden', 'Google does not let this calendar be read', now() + interval '1 day' FROM generate_series(1, $2::int) AS n`,
    [accountId, LARGE.calendars],
  );
  await pool.query(
    `INSERT INTO syncline.quarantined_items (account_id, collection_id, item_id, reason)
     SELECT $1, (SELECT id FROM syncline.collections WHERE account_id = $1 AND kind = 'gmail'), 'item' || n, 'it cannot be read' FROM generate_series(1, $2::int) AS n`,
    [accountId, LARGE.quarantined],
  );
  await pool.query('DELETE FROM syncline.changes WHERE account_id = $1', [accountId]);
  await pool.query(
    `INSERT INTO syncline.account_events (account_id, kind, detail) SELECT $1, 'account_state_changed', jsonb_build_object('from', 'active', 'to', 'disabled', 'reason', repeat('reason ', 20) || n) FROM generate_series(1, $2::int) AS n`,
    [accountId, LARGE.accountEvents],
  );
  await pool.query(
    `INSERT INTO syncline.changes (account_id, seq, entity, entity_id, op) SELECT $1, n, 'message', 'f' || lpad(to_hex(n), 15, '0'), 'created' FROM generate_series(1, $2::int) AS n`,
    [accountId, LARGE.changes],
  );
  await pool.query('UPDATE syncline.accounts SET feed_seq = $2 WHERE id = $1', [
    accountId,
    LARGE.changes,
  ]);
}

async function fillAccounts(pool: pg.Pool): Promise<void> {
  const ids = Array.from({ length: LARGE.accounts }, () => randomUUID());
  await pool.query(
    `INSERT INTO syncline.accounts (id, tenant, email, address, state, reason, resources) SELECT id, 'large', 'filler' || n || '@example.com', 'filler' || n || '@example.com', 'reauth_required', 'the grant is refused', '{gmail}' FROM unnest($1::uuid[]) WITH ORDINALITY AS u(id, n)`,
    [ids],
  );
  await pool.query(
    `INSERT INTO syncline.collections (id, account_id, tenant, kind, external_id) SELECT gen_random_uuid(), id, 'large', 'gmail', 'mailbox' FROM unnest($1::uuid[]) AS u(id)`,
    [ids],
  );
  await pool.query(
    `INSERT INTO syncline.quota_ledger (account_id, day, method, calls, units)
     SELECT id, (now() + d * interval '1 day')::date, 'gmail.users.messages.list', 1, 5 FROM unnest($1::uuid[]) AS u(id), unnest('{-1,0}'::int[]) AS d`,
    [ids],
  );
}
