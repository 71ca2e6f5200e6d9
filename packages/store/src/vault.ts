import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { OperatorError } from '@syncline/runtime';
import type pg from 'pg';

/**
 * Sealing of tokens: AES-256-GCM with a random 96-bit IV; the account's id and the purpose are authenticated data,
 * so a sealed token copied into another account's row does not open.
 * Layout: version byte (1), IV (12), tag (16), ciphertext.
 */
export interface Vault {
  /** A short name of the master key (hash prefix), stored beside what it sealed. */
  readonly keyId: string;
  sealRefreshToken(accountId: string, token: string): Buffer;
  /**
   * Whether `sealed` is the account's refresh token `token`; false as well when it does not open.
   */
  isSealed(accountId: string, sealed: Buffer, token: string): boolean;
  /**
   * The account's refresh token in clear.
   * @throws when the account belongs to another Google project than `project`: its token would be refused there
   */
  grant(accountId: string, project?: string): Promise<StoredGrant>;
  /**
   * Stores a refresh token that Google has put in the place of the one that was read as `version`.
   * @returns false, with nothing stored, when another has taken its place meanwhile
   */
  rotated(accountId: string, token: string, version: number): Promise<boolean>;
  /** For what is shared through Redis: access tokens, as base64. */
  seal(accountId: string, plain: string): string;
  /** @throws when the text was sealed for another account, with another key, or was changed. */
  open(accountId: string, sealed: string): string;
  /** The secret that Google sends back with everything it posts to this channel: made from the channel's id, so that checking it needs no query. */
  channelToken(channelId: string): string;
}

/**
 * The stored grant of an account. `unreadable`: it cannot be decrypted, since it was sealed with
 * another master key or for another account.
 */
export type StoredGrant =
  | { kind: 'stored'; refreshToken: string; version: number }
  | { kind: 'none' }
  | { kind: 'unreadable' };

const VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;

export function openVault(pool: pg.Pool, masterKey: Buffer): Vault {
  const keyId = createHash('sha256')
    .update('syncline key id')
    .update(masterKey)
    .digest('hex')
    .slice(0, 12);
  return {
    keyId,
    sealRefreshToken: (accountId, token) => encrypt(masterKey, `refresh:${accountId}`, token),
    isSealed: (accountId, sealed, token) => opens(masterKey, accountId, sealed) === token,
    async grant(accountId, project) {
      const found = await pool.query<{ sealed: Buffer; project: string; version: number }>(
        'SELECT c.sealed, a.project, a.token_version AS version FROM syncline.credentials c JOIN syncline.accounts a ON a.id = c.account_id WHERE a.id = $1',
        [accountId],
      );
      const row = found.rows[0];
      if (row && project !== undefined && row.project !== project)
        throw new Error(
          `account ${accountId} belongs to the Google project "${row.project}", and was asked for as one of "${project}"`,
        );
      if (!row) return { kind: 'none' };
      const refreshToken = opens(masterKey, accountId, row.sealed);
      return refreshToken === null
        ? { kind: 'unreadable' }
        : { kind: 'stored', refreshToken, version: row.version };
    },
    async rotated(accountId, token, version) {
      const stored = await pool.query(
        `WITH current AS (UPDATE syncline.accounts SET token_version = token_version + 1 WHERE id = $1 AND token_version = $4 RETURNING id)
         UPDATE syncline.credentials SET sealed = $2, key_id = $3, updated_at = now() FROM current WHERE account_id = current.id`,
        [accountId, encrypt(masterKey, `refresh:${accountId}`, token), keyId, version],
      );
      return stored.rowCount === 1;
    },
    seal: (accountId, plain) => encrypt(masterKey, `access:${accountId}`, plain).toString('base64'),
    open: (accountId, sealed) =>
      decrypt(masterKey, `access:${accountId}`, Buffer.from(sealed, 'base64')),
    channelToken: (channelId) =>
      createHmac('sha256', masterKey).update(`channel:${channelId}`).digest('base64url'),
  };
}

/**
 * Refuses to start with a master key that opens nothing of what is stored: that is a mistake in the
 * configuration. What single accounts have by another key is those accounts' matter.
 */
export async function checkMasterKey(pool: pg.Pool, vault: Vault): Promise<void> {
  const { rows } = await pool.query<{ others: boolean; ours: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM syncline.credentials WHERE key_id <> $1) AS others, EXISTS (SELECT 1 FROM syncline.credentials WHERE key_id = $1) AS ours`,
    [vault.keyId],
  );
  if (rows[0]?.others && !rows[0].ours) {
    throw new OperatorError(
      'SYNCLINE_MASTER_KEY is not the key that sealed the refresh tokens in this database.\n' +
        'Set the key that was in use when the accounts were imported. Nothing was changed.\n' +
        'If that key is lost, import the accounts again with the new one: syncline accounts import FILE takes it, and every other command as soon as one account has it.',
    );
  }
}

/** Null when it cannot be decrypted. */
function opens(masterKey: Buffer, accountId: string, sealed: Buffer): string | null {
  try {
    return decrypt(masterKey, `refresh:${accountId}`, sealed);
  } catch {
    return null;
  }
}

function encrypt(key: Buffer, purpose: string, plain: string): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(purpose));
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.from([VERSION]), iv, cipher.getAuthTag(), body]);
}

function decrypt(key: Buffer, purpose: string, sealed: Buffer): string {
  if (sealed[0] !== VERSION || sealed.length < 1 + IV_BYTES + TAG_BYTES)
    throw new Error('a sealed token has an unknown format');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 1 + IV_BYTES));
  decipher.setAAD(Buffer.from(purpose));
  decipher.setAuthTag(sealed.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([
      decipher.update(sealed.subarray(1 + IV_BYTES + TAG_BYTES)),
      decipher.final(),
    ]).toString('utf8');
  } catch {
    throw new Error(
      'a sealed token does not open: it was sealed with another key or for another account',
    );
  }
}
