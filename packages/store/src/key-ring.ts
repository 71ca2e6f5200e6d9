/**
 * The master keys of a process, and the operations with them. Pure: no I/O.
 *
 * Every purpose has a separate subkey (HKDF-SHA256 with a fixed info string), so that a leaked
 * subkey opens nothing of another purpose. A sealed value is AES-256-GCM with a random 96-bit IV.
 * Layout: format version (1 byte), key id (6), IV (12), tag (16), ciphertext. Also authenticated:
 * format, key id, purpose, place, tenant and account.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** The account that a sealed value belongs to. */
export interface Owner {
  /**
   * Empty for access tokens, for which only the account's id is known. An account never changes its
   * tenant.
   */
  tenant: string;
  /**
   * For the secrets of a connect session: the session's id; for the key of a service account: the
   * delegation's.
   */
  accountId: string;
}

export type SealedPurpose =
  'refresh-token' | 'access-token' | 'connect-attempt' | 'service-account-key';

export type Opened =
  | { kind: 'opened'; text: string }
  /** Sealed by a later version of the program; nothing is known about the value. */
  | { kind: 'newer-format'; format: number }
  /** Sealed with a key that this process does not have; nothing is known about the value. */
  | { kind: 'unknown-key'; keyId: string }
  /**
   * This process has the key. The value was changed, or belongs to another account, tenant or
   * purpose.
   */
  | { kind: 'unreadable' };

export interface KeyRing {
  /** Id of the sealing key. It reveals nothing about the key. */
  readonly keyId: string;
  /** Ids of all opening keys, the sealing key first. */
  readonly keyIds: readonly string[];
  seal(purpose: SealedPurpose, owner: Owner, text: string): Buffer;
  open(purpose: SealedPurpose, owner: Owner, sealed: Buffer): Opened;
  /** Returns the key id that a value contains; null when the value has another format. */
  sealedBy(sealed: Buffer): string | null;
  /**
   * Returns 43 characters derived from the channel's id, so that checking the token needs no query.
   */
  channelToken(channelId: string): string;
  /** Whether `token` is the channel's under any key of the ring. Compares in constant time. */
  isChannelToken(channelId: string, token: string): boolean;
}

export interface MasterKeys {
  /** 32 bytes. This key seals, and opens what it sealed. */
  current: Buffer;
  /** The previous key, also 32 bytes. It only opens. */
  old: Buffer | null;
}

/** Formats that a later version may write. Larger bytes are text or noise, and no sealed value. */
const NEWEST_FORMAT = 31;
const FORMAT = 2;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 6;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;
const BODY_AT = HEADER_BYTES + IV_BYTES + TAG_BYTES;

/** HKDF info of each subkey. A changed text makes every value of that purpose unreadable. */
const INFO: Record<SealedPurpose | 'channel-token' | 'key-id', string> = {
  'refresh-token': 'syncline v2 refresh-token',
  'access-token': 'syncline v2 access-token',
  'connect-attempt': 'syncline v2 connect-attempt',
  'service-account-key': 'syncline v2 service-account-key',
  'channel-token': 'syncline v2 channel-token',
  'key-id': 'syncline v2 key-id',
};

/** Where values of a purpose are stored. */
const PLACE: Record<SealedPurpose, string> = {
  'refresh-token': 'credentials.sealed',
  'access-token': 'redis:access-token',
  'connect-attempt': 'connect_attempts.sealed',
  'service-account-key': 'delegations.sealed',
};

interface Subkeys {
  id: Buffer;
  subkeys: Record<SealedPurpose | 'channel-token', Buffer>;
}

/**
 * @throws Error for a key that is not 32 bytes long or all zero, and when both keys are the same
 */
export function openKeyRing({ current, old }: MasterKeys): KeyRing {
  const keys = [current, ...(old === null ? [] : [old])].map(subkeysOf);
  const [sealing] = keys as [Subkeys, ...Subkeys[]];
  const byId = new Map(keys.map((key) => [key.id.toString('hex'), key]));
  if (byId.size < keys.length) throw new Error('the old master key is the current one');
  const tokenBy = ({ subkeys }: Subkeys, channelId: string): string =>
    createHmac('sha256', subkeys['channel-token']).update(channelId).digest('base64url');
  return {
    keyId: sealing.id.toString('hex'),
    keyIds: [...byId.keys()],
    seal: (purpose, owner, text) => seal(sealing, purpose, owner, text),
    open: (purpose, owner, sealed) => {
      const keyId = sealedBy(sealed);
      if (keyId === null) return ofFormat(sealed[0] ?? 0);
      const key = byId.get(keyId);
      return key ? openWith(key, purpose, owner, sealed) : { kind: 'unknown-key', keyId };
    },
    sealedBy,
    channelToken: (channelId) => tokenBy(sealing, channelId),
    isChannelToken: (channelId, token) =>
      keys.map((key) => isSame(token, tokenBy(key, channelId))).includes(true),
  };
}

function subkeysOf(masterKey: Buffer): Subkeys {
  if (masterKey.length !== KEY_BYTES || masterKey.every((byte) => byte === 0))
    throw new Error('a master key must be 32 bytes that are not all zero');
  const derive = (purpose: keyof typeof INFO, bytes = KEY_BYTES): Buffer =>
    Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), INFO[purpose], bytes));
  return {
    id: derive('key-id', KEY_ID_BYTES),
    subkeys: {
      'refresh-token': derive('refresh-token'),
      'access-token': derive('access-token'),
      'connect-attempt': derive('connect-attempt'),
      'service-account-key': derive('service-account-key'),
      'channel-token': derive('channel-token'),
    },
  };
}

function seal(key: Subkeys, purpose: SealedPurpose, owner: Owner, text: string): Buffer {
  const header = Buffer.concat([Buffer.from([FORMAT]), key.id]);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.subkeys[purpose], iv);
  cipher.setAAD(authenticated(header, purpose, owner));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([header, iv, cipher.getAuthTag(), body]);
}

/** A format number only grows, so a higher one was written by a later version. */
function ofFormat(format: number): Opened {
  return format > FORMAT && format <= NEWEST_FORMAT
    ? { kind: 'newer-format', format }
    : { kind: 'unreadable' };
}

function sealedBy(sealed: Buffer): string | null {
  if (sealed[0] !== FORMAT || sealed.length < BODY_AT) return null;
  return sealed.subarray(1, HEADER_BYTES).toString('hex');
}

function openWith(key: Subkeys, purpose: SealedPurpose, owner: Owner, sealed: Buffer): Opened {
  const ivEnd = HEADER_BYTES + IV_BYTES;
  const iv = sealed.subarray(HEADER_BYTES, ivEnd);
  const decipher = createDecipheriv('aes-256-gcm', key.subkeys[purpose], iv, {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(authenticated(sealed.subarray(0, HEADER_BYTES), purpose, owner));
  decipher.setAuthTag(sealed.subarray(ivEnd, BODY_AT));
  const body = decipher.update(sealed.subarray(BODY_AT));
  try {
    const text = Buffer.concat([body, decipher.final()]).toString('utf8');
    return { kind: 'opened', text };
  } catch {
    return { kind: 'unreadable' }; // The tag does not match: `final` fails for no other reason.
  }
}

/** JSON separates the parts unambiguously, whatever a tenant's name contains. */
function authenticated(header: Buffer, purpose: SealedPurpose, owner: Owner): Buffer {
  const parts = [header.toString('hex'), purpose, PLACE[purpose], owner.tenant, owner.accountId];
  return Buffer.from(JSON.stringify(parts));
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
