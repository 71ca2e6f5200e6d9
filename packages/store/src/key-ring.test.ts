import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { openKeyRing, type Owner, type SealedPurpose } from './key-ring.js';

const KEYS = { old: randomBytes(32), now: randomBytes(32) };
const before = openKeyRing({ current: KEYS.old, old: null });
const during = openKeyRing({ current: KEYS.now, old: KEYS.old });
const after = openKeyRing({ current: KEYS.now, old: null });

const owners = fc.record({ tenant: fc.string(), accountId: fc.uuid() });
const purposes = fc.constantFrom<SealedPurpose>('refresh-token', 'access-token');

test('a sealed value opens for its own purpose, tenant and account only', () => {
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

test('every flipped bit and every missing byte of a sealed value is noticed', () => {
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

test('the old key opens what it sealed, and seals nothing', () => {
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
