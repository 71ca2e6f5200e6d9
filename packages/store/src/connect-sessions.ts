/**
 * Connect sessions: a person's way through Google's consent, and what was refused on it. The secrets
 * of the link, of the browser's cookie and of the `state` are stored as hashes.
 */
import { comparableAddress } from '@syncline/runtime';
import type pg from 'pg';
import type { AccountImport, AccountState } from './accounts.js';
import { importWithin } from './import-account.js';
import type { Resource } from './mirrors/resources.js';
import { inTransaction, type Queryable, type Transaction } from './transaction.js';
import type { Vault } from './vault.js';

export interface ConnectSessionRow {
  id: string;
  tenant: string;
  ref: string | null;
  resources: Resource[];
  returnTo: string | null;
  /** The account to reconnect; null: any. */
  target: string | null;
  /** The account that the last outcome is about. */
  subject: string | null;
  project: string;
  keyId: string;
  state: 'open' | 'connected' | 'failed';
  outcome: string | null;
  missing: Resource[];
  /** The address that was chosen and that of the account, both masked; empty unless they differ. */
  addresses: string[];
  browserHash: Buffer | null;
  createdAt: Date;
  expiresAt: Date;
  isExpired: boolean;
  /** Whether somebody has gone to Google and has not come back. */
  isAway: boolean;
}

type NewConnectSession = Pick<
  ConnectSessionRow,
  'id' | 'tenant' | 'ref' | 'resources' | 'returnTo' | 'target' | 'project' | 'keyId'
> & { linkHash: Buffer; ttlMs: number };

/** A row of the audit log about a connect session. */
interface AuditNote {
  outcome: string;
  /** Null: the request named none. An `id` of null: the session was refused. */
  session: (Pick<ConnectSessionRow, 'tenant' | 'keyId' | 'subject'> & { id: string | null }) | null;
  reason: string | null;
}

/** How an attempt ended without an account. */
interface Failure {
  outcome: string;
  missing?: readonly Resource[];
  /** Masked. */
  addresses?: readonly string[];
  /** The account that it is about; null: none is known. */
  subject: string | null;
  reason: string | null;
}

export interface ConnectSessions {
  /** @returns false when the tenant has as many open sessions as it may */
  create(session: NewConnectSession): Promise<boolean>;
  find(id: string): Promise<ConnectSessionRow | null>;
  byLink(linkHash: Buffer): Promise<ConnectSessionRow | null>;
  /** Finds the session of a `state` that was not used. */
  byState(stateHash: Buffer): Promise<ConnectSessionRow | null>;
  /**
   * Adds an attempt, and binds the session to the browser.
   * @returns false when it is bound to another browser, is over, or was begun too often
   */
  begin(
    id: string,
    attempt: { browserHash: Buffer; stateHash: Buffer; sealed: Buffer },
  ): Promise<boolean>;
  /**
   * Uses the `state`, once.
   * @returns its sealed secrets; null when it was used or has expired, or the session is over
   */
  take(stateHash: Buffer, ttlMs: number): Promise<Buffer | null>;
  /** Writes how an attempt failed, to the session, its account and the audit log. */
  fail(session: ConnectSessionRow, failure: Failure): Promise<void>;
  /**
   * Imports the account and writes the outcome in one transaction.
   * @param account with `subject`: nothing is imported, and this account keeps what it has
   * @returns the account's id
   * @throws OperatorError as an import; nothing was written then
   */
  connect(
    session: ConnectSessionRow,
    account: AccountImport | { subject: string },
    result: { outcome: string; missing: readonly Resource[] },
  ): Promise<string>;
  /** Adds a row to the audit log. */
  note(note: AuditNote): Promise<void>;
  /** Returns the state of an account; null: there is none. */
  accountState(id: string): Promise<AccountState | null>;
  /**
   * Returns the account of this Google account within a tenant and project; null: none. Only `sub`
   * values that the account's own grants have named count.
   */
  accountOf(o: { tenant: string; project: string; sub: string }): Promise<string | null>;
  /** Whether an account of any tenant may use a grant of this Google account in the project. */
  isShared(o: { project: string; sub: string; address: string | null }): Promise<boolean>;
  /** Ends sessions that have expired. @returns their number, and the outcomes that are new */
  expire(o: {
    outcome: string;
    awayOutcome: string;
    limit: number;
  }): Promise<{ expired: number; outcomes: string[] }>;
  /** Notes sessions whose person has been at Google for longer than `afterMs`. @returns how many */
  noteAway(o: { outcome: string; afterMs: number; limit: number }): Promise<number>;
}

/** Open sessions of a tenant. */
const OPEN_LIMIT = 1_000;
/** Attempts in one session. */
const ATTEMPTS_LIMIT = 20;

/** The last one who went to Google has not come back. */
const IS_AWAY = `(SELECT a.used_at IS NULL FROM syncline.connect_attempts a WHERE a.session_id = s.id ORDER BY a.created_at DESC LIMIT 1) IS TRUE`;

const COLUMNS = `s.id, s.tenant, s.ref, s.resources, s.return_to AS "returnTo", s.target, s.subject, s.project, s.key_id AS "keyId", s.state, s.outcome, s.missing, s.addresses,
  s.browser_hash AS "browserHash", s.created_at AS "createdAt", s.expires_at AS "expiresAt", s.expires_at <= now() AS "isExpired",
  ${IS_AWAY} AS "isAway"`;

/** The session may still be used: not connected in full, and not expired. */
const IS_USABLE = `(s.state <> 'connected' OR cardinality(s.missing) > 0) AND s.expires_at > now()`;

export function connectSessionsIn(pool: pg.Pool, vault: Vault): ConnectSessions {
  const one = async (condition: string, value: unknown): Promise<ConnectSessionRow | null> =>
    (
      await pool.query<ConnectSessionRow>(
        `SELECT ${COLUMNS} FROM syncline.connect_sessions s WHERE ${condition}`,
        [value],
      )
    ).rows[0] ?? null;
  return {
    create: (session) => create(pool, session),
    find: (id) => one('s.id = $1', id),
    byLink: (linkHash) => one('s.link_hash = $1', linkHash),
    byState: (stateHash) =>
      one(
        's.id = (SELECT session_id FROM syncline.connect_attempts WHERE state_hash = $1 AND used_at IS NULL)',
        stateHash,
      ),
    begin: (id, attempt) => begin(pool, id, attempt),
    take: (stateHash, ttlMs) => take(pool, stateHash, ttlMs),
    fail: (session, failure) =>
      inTransaction(pool, async (transaction) => {
        await writeOutcome(transaction, session, { ...failure, state: 'failed' });
      }),
    connect: (session, account, result) =>
      inTransaction(pool, (transaction) => connect(transaction, vault, session, account, result)),
    note: (note) => addToLog(pool, note),
    accountState: async (id) =>
      (
        await pool.query<{ state: AccountState }>(
          'SELECT state FROM syncline.accounts WHERE id = $1',
          [id],
        )
      ).rows[0]?.state ?? null,
    accountOf: async ({ tenant, project, sub }) =>
      (await pool.query<{ id: string }>(ACCOUNT_OF, [tenant, project, sub])).rows[0]?.id ?? null,
    isShared: async ({ project, sub, address }) =>
      ((await pool.query(IS_SHARED, [project, sub, address && comparableAddress(address)]))
        .rowCount ?? 0) > 0,
    expire: (o) => expire(pool, o),
    noteAway: (o) => noteAway(pool, o),
  };
}

async function create(pool: pg.Pool, session: NewConnectSession): Promise<boolean> {
  const created = await pool.query(
    `INSERT INTO syncline.connect_sessions (id, link_hash, tenant, ref, resources, return_to, target, subject, project, key_id, expires_at)
     SELECT $1, $2, $3::text, $4, $5, $6, $7::uuid, $7::uuid, $8, $9, now() + $10::float8 * interval '1 ms'
      WHERE (SELECT count(*) FROM syncline.connect_sessions WHERE tenant = $3::text AND state = 'open') < ${OPEN_LIMIT}`,
    [
      session.id,
      session.linkHash,
      session.tenant,
      session.ref,
      session.resources,
      session.returnTo,
      session.target,
      session.project,
      session.keyId,
      session.ttlMs,
    ],
  );
  return created.rowCount === 1;
}

/** One statement: the session's row is locked before the attempt is counted. */
async function begin(
  pool: pg.Pool,
  id: string,
  { browserHash, stateHash, sealed }: { browserHash: Buffer; stateHash: Buffer; sealed: Buffer },
): Promise<boolean> {
  const begun = await pool.query(
    `WITH bound AS (
       UPDATE syncline.connect_sessions s SET browser_hash = $2
        WHERE s.id = $1 AND ${IS_USABLE} AND coalesce(s.browser_hash, $2) = $2
          AND (SELECT count(*) FROM syncline.connect_attempts a WHERE a.session_id = s.id) < ${ATTEMPTS_LIMIT}
        RETURNING s.id)
     INSERT INTO syncline.connect_attempts (state_hash, session_id, sealed) SELECT $3, id, $4 FROM bound`,
    [id, browserHash, stateHash, sealed],
  );
  return begun.rowCount === 1;
}

async function take(pool: pg.Pool, stateHash: Buffer, ttlMs: number): Promise<Buffer | null> {
  const { rows } = await pool.query<{ sealed: Buffer }>(
    `UPDATE syncline.connect_attempts a SET used_at = now() FROM syncline.connect_sessions s
      WHERE a.state_hash = $1 AND a.used_at IS NULL AND s.id = a.session_id AND ${IS_USABLE}
        AND a.created_at > now() - $2::float8 * interval '1 ms'
      RETURNING a.sealed`,
    [stateHash, ttlMs],
  );
  return rows[0]?.sealed ?? null;
}

async function connect(
  transaction: Transaction,
  vault: Vault,
  session: ConnectSessionRow,
  account: AccountImport | { subject: string },
  { outcome, missing }: { outcome: string; missing: readonly Resource[] },
): Promise<string> {
  const subject =
    'subject' in account ? account.subject : (await importWithin(transaction, vault, account)).id;
  const written = { outcome, missing, subject, reason: null, state: 'connected' };
  await writeOutcome(transaction, session, written);
  return subject;
}

async function writeOutcome(
  transaction: Transaction,
  session: ConnectSessionRow,
  { state, outcome, missing = [], addresses = [], subject, reason }: Failure & { state: string },
): Promise<void> {
  transaction.send({
    // What was connected stays so when a later attempt, for what is missing, fails.
    text: `UPDATE syncline.connect_sessions SET state = $2::text, outcome = $3, missing = $4, subject = coalesce($5, subject), addresses = $6
            WHERE id = $1 AND NOT (state = 'connected' AND $2::text = 'failed')`,
    values: [session.id, state, outcome, missing, subject, addresses],
  });
  if (subject !== null) transaction.send({ text: NOTE_ON_ACCOUNT, values: [subject, outcome] });
  await addToLog(transaction, { outcome, session: { ...session, subject }, reason });
}

/** The account's event in the feed comes from this change. */
const NOTE_ON_ACCOUNT = `
  UPDATE syncline.accounts SET connect_outcome = $2, connect_outcome_at = clock_timestamp()
   WHERE id = $1 AND state <> 'removing'`;

async function addToLog(db: Queryable, { outcome, session, reason }: AuditNote): Promise<void> {
  await db.query(
    `INSERT INTO syncline.audit_log (action, outcome, tenant, subject, key_id, session, reason) VALUES ('connect', $1, $2, $3, $4, $5, $6)`,
    [
      outcome,
      session?.tenant ?? null,
      session?.subject ?? null,
      session?.keyId ?? null,
      session?.id ?? null,
      reason,
    ],
  );
}

const ACCOUNT_OF = `
  SELECT a.id FROM syncline.identity_keys k JOIN syncline.accounts a ON a.identity_id = k.identity_id
   WHERE k.project = $2 AND k.kind = 'sub' AND k.value = $3 AND a.tenant = $1 AND a.google_sub = $3 AND a.state <> 'removing'
   ORDER BY a.created_at LIMIT 1`;

/** An account whose grant has named no `sub` may be this person's by its address. */
const IS_SHARED = `
  SELECT FROM syncline.accounts a
   WHERE a.project = $1 AND a.state <> 'removing'
     AND (a.identity_id IN (SELECT identity_id FROM syncline.identity_keys WHERE project = $1 AND kind = 'sub' AND value = $2)
       OR a.address = $3)
   LIMIT 1`;

/** Each row that the update returns has its row in the audit log. */
async function expire(
  pool: pg.Pool,
  { outcome, awayOutcome, limit }: { outcome: string; awayOutcome: string; limit: number },
): Promise<{ expired: number; outcomes: string[] }> {
  return inTransaction(pool, async (transaction) => {
    const { rows } = await transaction.query<Unfinished & { before: string | null }>(
      `WITH due AS (
         SELECT s.id, s.outcome, ${IS_AWAY} AS "isAway" FROM syncline.connect_sessions s
          WHERE s.state = 'open' AND s.expires_at <= now() ORDER BY s.expires_at LIMIT $3 FOR UPDATE SKIP LOCKED)
       UPDATE syncline.connect_sessions s SET state = 'failed', outcome = CASE WHEN due."isAway" THEN $2 ELSE $1 END
         FROM due WHERE s.id = due.id
       RETURNING s.id, s.tenant, s.key_id AS "keyId", s.subject, s.outcome, due.outcome AS before`,
      [outcome, awayOutcome, limit],
    );
    // Whoever has not come back was noted before.
    const noted = rows.filter((row) => row.outcome !== row.before);
    await noteAll(transaction, noted);
    return { expired: rows.length, outcomes: noted.map((row) => row.outcome) };
  });
}

async function noteAway(
  pool: pg.Pool,
  { outcome, afterMs, limit }: { outcome: string; afterMs: number; limit: number },
): Promise<number> {
  return inTransaction(pool, async (transaction) => {
    const { rows } = await transaction.query<Unfinished>(
      `UPDATE syncline.connect_sessions SET outcome = $1
        WHERE id IN (SELECT s.id FROM syncline.connect_sessions s
                      WHERE s.state = 'open' AND s.outcome IS NULL AND s.expires_at > now()
                        AND (SELECT max(a.created_at) FROM syncline.connect_attempts a WHERE a.session_id = s.id) < now() - $2::float8 * interval '1 ms'
                      LIMIT $3 FOR UPDATE SKIP LOCKED)
        RETURNING id, tenant, key_id AS "keyId", subject, outcome`,
      [outcome, afterMs, limit],
    );
    await noteAll(transaction, rows);
    return rows.length;
  });
}

type Unfinished = Pick<ConnectSessionRow, 'id' | 'tenant' | 'keyId' | 'subject'> & {
  outcome: string;
};

async function noteAll(transaction: Transaction, sessions: readonly Unfinished[]): Promise<void> {
  for (const { outcome, ...session } of sessions) {
    if (session.subject !== null)
      transaction.send({ text: NOTE_ON_ACCOUNT, values: [session.subject, outcome] });
    await addToLog(transaction, { outcome, session, reason: null });
  }
}
