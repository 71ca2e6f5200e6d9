/** Grants in Postgres and access tokens for Redis, sealed by the key ring (key-ring.ts). */
import { OperatorError, RepeatLimit, unreachable, type Runtime } from '@syncline/runtime';
import type pg from 'pg';
import type { KeyRing, Opened, Owner, SealedPurpose } from './key-ring.js';
import {
  CURRENT_KEY,
  retireLostCommand,
  IS_SEALING_RETIRED,
  isKeyInUse,
  keysInUse,
  sealingKey,
} from './master-keys.js';
import { scopesOf, type Resource } from './mirrors/resources.js';

export interface Vault {
  /** Short id of the sealing master key, stored beside the sealed value. */
  readonly keyId: string;
  sealRefreshToken(owner: Owner, token: string): Buffer;
  /** Whether `sealed` is the account's refresh token `token`; also false when it does not open. */
  isSealed(owner: Owner, sealed: Buffer, token: string): boolean;
  /**
   * Returns the account's refresh token as plain text.
   * @throws when the account belongs to another Google project than `project`, where Google would
   * refuse its token
   */
  grant(accountId: string, project?: string): Promise<StoredGrant>;
  /**
   * Stores a refresh token that Google has issued to replace the one read as `version`.
   * @returns false, without storing it, when another token has replaced it meanwhile;
   * `key-missing`, without storing it, when this process's key was retired meanwhile
   */
  rotated(accountId: string, token: string, version: number): Promise<boolean | KeyMissing>;
  /** Seals access tokens, which are shared through Redis, as base64. */
  seal(accountId: string, plain: string): string;
  /** @throws when the text was sealed for another account or with another key, or was changed */
  open(accountId: string, sealed: string): string;
  /** Seals the secrets of a way to Google's consent page and back. */
  sealAttempt(session: ConnectOwner, plain: string): Buffer;
  /**
   * Returns null when the value does not open: it was sealed with a key that was retired since, or
   * was changed. The person begins again.
   */
  openAttempt(session: ConnectOwner, sealed: Buffer): string | null;
  /**
   * Returns the secret that Google sends with every notification of this channel. It is derived
   * from the channel's id, so that checking it needs no query.
   */
  channelToken(channelId: string): string;
  /** Whether `token` is the channel's, under the master key or the old one. */
  isChannelToken(channelId: string, token: string): boolean;
}

/** A connect session, as the owner of sealed secrets. */
interface ConnectOwner {
  id: string;
  tenant: string;
}

/** A service account that acts for the account. */
export interface DelegatedGrant {
  kind: 'delegated';
  key: { email: string; privateKey: string; keyId: string };
  /** The number that the administrator enters in the Admin console. */
  clientId: string;
  /** The account's address. */
  subject: string;
  /** Google's id of the account; null when no grant has named it. */
  sub: string | null;
  scopes: string[];
  version: number;
}

/**
 * The stored grant of an account. `unreadable`: it does not open although this process has its key,
 * or its key was retired or is unknown. `key-missing`: this process lacks a key that is in use,
 * which says nothing about the account.
 */
type StoredGrant =
  | { kind: 'stored'; refreshToken: string; version: number }
  | DelegatedGrant
  | { kind: 'none' }
  | { kind: 'key-missing'; keyId: string; newerFormat?: number }
  | { kind: 'unreadable' };

type KeyMissing = Extract<StoredGrant, { kind: 'key-missing' }>;

/**
 * Logs a security event: someone with write access to Postgres or Redis may have written the value.
 */
type NoteRejected = (what: {
  purpose: SealedPurpose;
  accountId: string;
  why: 'altered' | 'unknown-key';
}) => void;

export function openVault(rt: Pick<Runtime, 'clock' | 'log'>, pool: pg.Pool, ring: KeyRing): Vault {
  const noteRejected = rejections(rt);
  const ofAccount = (accountId: string): Owner => ({ tenant: '', accountId });
  return {
    keyId: ring.keyId,
    sealRefreshToken: (owner, token) => ring.seal('refresh-token', owner, token),
    isSealed: (owner, sealed, token) => {
      const opened = ring.open('refresh-token', owner, sealed);
      return opened.kind === 'opened' && opened.text === token;
    },
    grant: (accountId, project) => readGrant({ pool, ring, noteRejected }, accountId, project),
    rotated: (accountId, token, version) => storeRotated(pool, ring, { accountId, token, version }),
    seal: (accountId, plain) =>
      ring.seal('access-token', ofAccount(accountId), plain).toString('base64'),
    open: (accountId, sealed) => {
      const opened = ring.open('access-token', ofAccount(accountId), Buffer.from(sealed, 'base64'));
      if (opened.kind === 'opened') return opened.text;
      if (opened.kind === 'unreadable')
        noteRejected({ purpose: 'access-token', accountId, why: 'altered' });
      throw new Error(
        'a sealed token does not open: it was sealed with another key or for another account',
      );
    },
    sealAttempt: ({ id, tenant }, plain) =>
      ring.seal('connect-attempt', { tenant, accountId: id }, plain),
    openAttempt: ({ id, tenant }, sealed) => {
      const opened = ring.open('connect-attempt', { tenant, accountId: id }, sealed);
      return opened.kind === 'opened' ? opened.text : null;
    },
    channelToken: ring.channelToken,
    isChannelToken: ring.isChannelToken,
  };
}

/**
 * Limits the log to one line in 30 s for each account's refresh token, and one for all access
 * tokens.
 */
function rejections(rt: Pick<Runtime, 'clock' | 'log'>): NoteRejected {
  const limit = new RepeatLimit();
  return ({ purpose, accountId, why }) => {
    const kind = purpose === 'access-token' ? purpose : accountId;
    const suppressed = limit.admit(kind, rt.clock.nowMs());
    if (suppressed === null) return;
    rt.log.warn(
      { event: 'sealed_value_rejected', purpose, accountId, why, suppressed },
      'a sealed value does not open: it was altered, copied from another account, or sealed with a key that was retired or is unknown',
    );
  };
}

/**
 * Refuses to start with master keys that open no stored value, because the configuration is wrong.
 * Single accounts under another key are handled when they are synced. Keys that are in use and
 * missing here make the process not ready (master-keys.ts).
 */
export async function checkMasterKey(pool: pg.Pool, ring: KeyRing): Promise<void> {
  const { rows } = await pool.query<{ others: boolean; ours: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM syncline.credentials WHERE key_id <> ALL($1)) OR EXISTS (SELECT 1 FROM syncline.delegations WHERE key_id <> ALL($1)) AS others,
            EXISTS (SELECT 1 FROM syncline.credentials WHERE key_id = ANY($1)) OR EXISTS (SELECT 1 FROM syncline.delegations WHERE key_id = ANY($1)) AS ours`,
    [ring.keyIds],
  );
  if (rows[0]?.others && !rows[0].ours) {
    const names =
      ring.keyIds.length === 1
        ? 'SYNCLINE_MASTER_KEY is not the key that'
        : 'SYNCLINE_MASTER_KEY is not the key, nor is SYNCLINE_MASTER_KEY_OLD, that';
    throw new OperatorError(
      `${names} sealed the refresh tokens in this database.\n` +
        'Set the key that was in use when the accounts were imported; after a change of the key, set the previous one as SYNCLINE_MASTER_KEY_OLD. Nothing was changed.\n' +
        'If that key is lost, import the accounts again with the new one: syncline accounts import FILE takes it, and every other command as soon as one account has it.' +
        (await waysToGiveUp(pool)),
    );
  }
}

/**
 * Returns the commands that give up lost keys. Until one is run, the accounts under a lost key wait
 * for it.
 */
async function waysToGiveUp(pool: pg.Pool): Promise<string> {
  const lost = (await keysInUse(pool)).filter(({ hasValues }) => hasValues);
  if (lost.length === 0) return '';
  return ` Then say that it is lost: ${lost.map(({ keyId }) => retireLostCommand(keyId)).join(' and ')}`;
}

interface GrantRow {
  tenant: string;
  project: string;
  version: number;
  email: string;
  sub: string | null;
  resources: Resource[];
  /** The sealed refresh token. */
  sealed: Buffer | null;
  delegationId: string | null;
  sealedKey: Buffer | null;
  clientEmail: string | null;
  clientId: string | null;
  privateKeyId: string | null;
}

const GRANT = `
  SELECT a.tenant, a.project, a.token_version AS version, a.email, a.google_sub AS sub, a.resources, c.sealed, a.delegation_id AS "delegationId",
         d.sealed AS "sealedKey", d.client_email AS "clientEmail", d.client_id AS "clientId", d.private_key_id AS "privateKeyId"
    FROM syncline.accounts a LEFT JOIN syncline.credentials c ON c.account_id = a.id LEFT JOIN syncline.delegations d ON d.id = a.delegation_id
   WHERE a.id = $1`;

interface Opening {
  pool: pg.Pool;
  ring: KeyRing;
  noteRejected: NoteRejected;
}

async function readGrant(
  opening: Opening,
  accountId: string,
  project: string | undefined,
): Promise<StoredGrant> {
  const found = await opening.pool.query<GrantRow>(GRANT, [accountId]);
  const row = found.rows[0];
  if (row && project !== undefined && row.project !== project)
    throw new Error(
      `account ${accountId} belongs to the Google project "${row.project}", but was requested for the project "${project}"`,
    );
  if (row?.delegationId) return delegatedGrant(opening, accountId, row, row.delegationId);
  if (!row?.sealed) return { kind: 'none' };
  const owner = { tenant: row.tenant, accountId };
  const opened = opening.ring.open('refresh-token', owner, row.sealed);
  return opened.kind === 'opened'
    ? { kind: 'stored', refreshToken: opened.text, version: row.version }
    : unopened(opening, 'refresh-token', accountId, opened);
}

async function delegatedGrant(
  opening: Opening,
  accountId: string,
  row: GrantRow,
  delegationId: string,
): Promise<StoredGrant> {
  const owner = { tenant: row.tenant, accountId: delegationId };
  const sealed = row.sealedKey ?? Buffer.alloc(0);
  const opened = opening.ring.open('service-account-key', owner, sealed);
  if (opened.kind !== 'opened') return unopened(opening, 'service-account-key', accountId, opened);
  return {
    kind: 'delegated',
    key: {
      email: row.clientEmail ?? '',
      keyId: row.privateKeyId ?? '',
      privateKey: opened.text,
    },
    clientId: row.clientId ?? '',
    subject: row.email,
    sub: row.sub,
    scopes: scopesOf(row.resources),
    version: row.version,
  };
}

async function unopened(
  { pool, noteRejected }: Opening,
  purpose: SealedPurpose,
  accountId: string,
  opened: Exclude<Opened, { kind: 'opened' }>,
): Promise<StoredGrant> {
  switch (opened.kind) {
    case 'newer-format':
      return { kind: 'key-missing', keyId: `format-${opened.format}`, newerFormat: opened.format };
    case 'unreadable':
      noteRejected({ purpose, accountId, why: 'altered' });
      return { kind: 'unreadable' };
    case 'unknown-key':
      if (await isKeyInUse(pool, opened.keyId)) return { kind: 'key-missing', keyId: opened.keyId };
      noteRejected({ purpose, accountId, why: 'unknown-key' });
      return { kind: 'unreadable' };
    default:
      return unreachable(opened);
  }
}

/** The tenant never changes, so reading it before the update is safe. */
async function storeRotated(
  pool: pg.Pool,
  ring: KeyRing,
  { accountId, token, version }: { accountId: string; token: string; version: number },
): Promise<boolean | KeyMissing> {
  const found = await pool.query<{ tenant: string }>(
    'SELECT tenant FROM syncline.accounts WHERE id = $1',
    [accountId],
  );
  const [account] = found.rows;
  if (account === undefined) return false;
  const owner = { tenant: account.tenant, accountId };
  const { rows } = await pool.query<{ stored: boolean; retired: boolean; current: string | null }>(
    `WITH ${sealingKey('$3')},
     current AS (UPDATE syncline.accounts SET token_version = token_version + 1 WHERE id = $1 AND token_version = $4 AND NOT ${IS_SEALING_RETIRED} RETURNING id),
     kept AS (UPDATE syncline.credentials SET sealed = $2, key_id = $3, updated_at = now() FROM current WHERE account_id = current.id RETURNING 1)
     SELECT EXISTS (SELECT 1 FROM kept) AS stored, ${IS_SEALING_RETIRED} AS retired, ${CURRENT_KEY} AS current`,
    [accountId, ring.seal('refresh-token', owner, token), ring.keyId, version],
  );
  const [row] = rows;
  if (row?.retired) return { kind: 'key-missing', keyId: row.current ?? ring.keyId };
  return row?.stored ?? false;
}
