import { createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { openKeyRing, type Owner, type SealedPurpose } from './key-ring.js';

const KEYS = { old: randomBytes(32), now: randomBytes(32) };
const before = openKeyRing({ current: KEYS.old, old: null });
const during = openKeyRing({ current: KEYS.now, old: KEYS.old });
const after = openKeyRing({ current: KEYS.now, old: null });

const owners = fc.record({ tenant: fc.string(), accountId: fc.uuid() });
const purposes = fc.constantFrom<SealedPurpose>('refresh-token', 'access-token');

test('S1: a sealed value opens for its own purpose, tenant and account only', () => {
  fc.assert(
    fc.property(purposes, purposes, owners, owners, fc.string(), (purpose, other, a, b, text) => {
      const sealed = before.seal(purpose, a, text);
      expect(before.open(purpose, a, sealed)).toEqual({ kind: 'opened', text });
      const others: [SealedPurpose, Owner][] = [
        [purpose, { ...a, accountId: b.accountId }],
        [purpose, { ...a, tenant: b.tenant }],
        [purpose, { tenant: a.accountId, accountId: a.tenant }],
        [other, a],
      ];
      for (const [as, owner] of others) {
        const isOwn = as === purpose && JSON.stringify(owner) === JSON.stringify(a);
        expect(before.open(as, owner, sealed).kind).toBe(isOwn ? 'opened' : 'unreadable');
      }
    }),
  );
});

test('S1: a sealed value with any flipped bit or missing byte does not open', () => {
  const owner = { tenant: 'acme', accountId: 'a1' };
  const sealed = before.seal('refresh-token', owner, '1//secret');
  for (let at = 0; at < sealed.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const bent = Buffer.from(sealed);
      bent[at] = (bent[at] as number) ^ (1 << bit);
      expect(before.open('refresh-token', owner, bent).kind).not.toBe('opened');
    }
    expect(before.open('refresh-token', owner, sealed.subarray(0, at)).kind).not.toBe('opened');
  }
});

test('S2: the old key opens what it sealed, and seals nothing', () => {
  const owner = { tenant: 'acme', accountId: 'a1' };
  const sealed = before.seal('refresh-token', owner, '1//secret');
  expect(during.open('refresh-token', owner, sealed)).toEqual({
    kind: 'opened',
    text: '1//secret',
  });
  expect(after.open('refresh-token', owner, sealed)).toEqual({
    kind: 'unknown-key',
    keyId: before.keyId,
  });
  const anew = during.seal('refresh-token', owner, '1//secret');
  expect(after.open('refresh-token', owner, anew).kind).toBe('opened');
  expect(before.open('refresh-token', owner, anew)).toEqual({
    kind: 'unknown-key',
    keyId: after.keyId,
  });
});

test('S1: no nonce repeats over 100,000 encryptions', () => {
  const [owner, nonces] = [{ tenant: 'acme', accountId: 'a1' }, new Set<string>()];
  for (let i = 0; i < 100_000; i += 1)
    nonces.add(before.seal('refresh-token', owner, 'x').toString('latin1', 7, 19));
  expect(nonces.size).toBe(100_000);
});

test('S2: a value with an unknown key id or another format version does not open', () => {
  const owner = { tenant: 'acme', accountId: 'a1' };
  const sealed = before.seal('refresh-token', owner, '1//secret');
  const named = Buffer.from(sealed);
  named.write('0123456789ab', 1, 'hex');
  expect(before.open('refresh-token', owner, named)).toEqual({
    kind: 'unknown-key',
    keyId: '0123456789ab',
  });
  const inFormat = (format: number): Buffer => {
    const other = Buffer.from(sealed);
    other[0] = format;
    return other;
  };
  for (const format of [0, 1, 32, 255])
    expect(before.open('refresh-token', owner, inFormat(format))).toEqual({ kind: 'unreadable' });
  expect(before.open('refresh-token', owner, inFormat(3))).toEqual({
    kind: 'newer-format',
    format: 3,
  });
  for (const plain of [Buffer.from('1//secret'), Buffer.alloc(0), Buffer.alloc(200)])
    expect(before.open('refresh-token', owner, plain).kind).toBe('unreadable');
});

test('a channel token is accepted under the current key and the old one, and under no other', () => {
  const token = before.channelToken('channel');
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(during.channelToken('channel')).not.toBe(token);
  expect(during.isChannelToken('channel', token)).toBe(true);
  expect(during.isChannelToken('channel', during.channelToken('channel'))).toBe(true);
  expect(after.isChannelToken('channel', token)).toBe(false);
  expect(during.isChannelToken('another', token)).toBe(false);
  expect(during.isChannelToken('channel', '')).toBe(false);
});

test.each([
  ['all zero', { current: Buffer.alloc(32), old: null }],
  ['of 31 bytes', { current: randomBytes(31), old: null }],
  ['the same as the old one', { current: KEYS.now, old: KEYS.now }],
])('a master key that is %s is refused', (_what, keys) => {
  expect(() => openKeyRing(keys)).toThrow();
});

/** HKDF-SHA256 of 32 bytes without a salt, from its definition (RFC 5869, one block). */
function subkey(masterKey: Buffer, info: string): Buffer {
  const extracted = createHmac('sha256', Buffer.alloc(32)).update(masterKey).digest();
  return createHmac('sha256', extracted).update(`${info}\u0001`).digest();
}

/** Opens a value as the layout above the key ring describes it; null when the tag does not match. */
function openBy(key: Buffer, sealed: Buffer, context: string[]): string | null {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(7, 19));
  const header = sealed.subarray(0, 7).toString('hex');
  decipher.setAAD(Buffer.from(JSON.stringify([header, ...context])));
  decipher.setAuthTag(sealed.subarray(19, 35));
  const text = decipher.update(sealed.subarray(35), undefined, 'utf8');
  try {
    return text + decipher.final('utf8');
  } catch {
    return null;
  }
}

test('S1: each purpose has an HKDF subkey of its own; the master key and the other subkeys open nothing', () => {
  const owner = { tenant: 'acme', accountId: 'a1' };
  const keys = {
    'refresh-token': subkey(KEYS.now, 'syncline v2 refresh-token'),
    'access-token': subkey(KEYS.now, 'syncline v2 access-token'),
    'channel-token': subkey(KEYS.now, 'syncline v2 channel-token'),
    'master key': KEYS.now,
  };
  const places = {
    'refresh-token': 'credentials.sealed',
    'access-token': 'redis:access-token',
  };
  for (const purpose of ['refresh-token', 'access-token'] as const) {
    const sealed = after.seal(purpose, owner, '1//secret');
    const context = [purpose, places[purpose], owner.tenant, owner.accountId];
    const opened = Object.entries(keys).map(([name, key]) => [name, openBy(key, sealed, context)]);
    const expected = Object.keys(keys).map((name) => [name, name === purpose ? '1//secret' : null]);
    expect(opened).toEqual(expected);
  }
  expect(after.channelToken('channel-1')).toBe(
    createHmac('sha256', keys['channel-token']).update('channel-1').digest('base64url'),
  );
});
