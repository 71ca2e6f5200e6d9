import fc from 'fast-check';
import { backoffMs, jobData, jobOptions, readJobData } from './jobs.js';

test('what is written is what is read', () => {
  const data = jobData('0197f0c0-7a55-7d2e-9c1f-3a2b1c0d9e8f');
  expect(readJobData(JSON.parse(JSON.stringify(data)))).toEqual(data);
});

test('S3: an address, a subject or a token cannot be a collection id', () => {
  for (const bad of [
    'ann@example.com',
    'Re: your invoice',
    '',
    'a.b',
    'ya29.a0AfH6',
    'x'.repeat(65),
  ]) {
    expect(() => jobData(bad)).toThrow('a job is for a collection id');
  }
});

test.each([
  ['nothing', undefined],
  ['no data, as an evicting Redis leaves it', {}],
  ['another version', { v: 2, collectionId: 'a' }],
  ['a number for an id', { v: 1, collectionId: 7 }],
  ['an address for an id', { v: 1, collectionId: 'ann@example.com' }],
  ['a field too many', { v: 1, collectionId: 'a', email: 'ann@example.com' }],
])('refuses %s', (_what, raw) => {
  expect(readJobData(raw)).toBeNull();
});

test('S3: a job is read as one opaque id or as nothing, whatever Redis holds', () => {
  const something = fc.oneof(
    fc.anything({ maxDepth: 3 }),
    fc.record({ v: fc.constantFrom(1, 2, '1'), collectionId: fc.anything() }),
    fc.record(
      { v: fc.constant(1), collectionId: fc.string(), more: fc.anything() },
      { requiredKeys: ['v'] },
    ),
  );
  fc.assert(
    fc.property(something, (raw) => {
      const data = readJobData(raw);
      if (data === null) return true;
      const keys = Object.keys(data).sort();
      return (
        keys.join() === 'collectionId,v' && data.v === 1 && /^[\w-]{1,64}$/.test(data.collectionId)
      );
    }),
  );
});

test('S3: a job holds at most 256 bytes, one running and one next, and is kept for a bounded while', () => {
  expect(jobOptions('c1')).toMatchObject({
    attempts: 8,
    deduplication: { id: 'c1', keepLastIfActive: true },
    removeOnComplete: { count: 1000 },
    removeOnFail: { age: 604_800, count: 10_000 },
    sizeLimit: 256,
  });
  expect(Buffer.byteLength(JSON.stringify(jobData('x'.repeat(64))))).toBeLessThanOrEqual(256);
});

test('backoff doubles from 2 s to 2 minutes, and chance moves only its upper half', () => {
  expect([1, 2, 3, 7, 8, 60].map((attempt) => backoffMs(attempt, 0))).toEqual([
    1_000, 2_000, 4_000, 60_000, 60_000, 60_000,
  ]);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, chance) => {
        const ms = backoffMs(attempt, chance);
        expect(ms).toBeGreaterThanOrEqual(1_000);
        expect(ms).toBeLessThanOrEqual(120_000);
      },
    ),
  );
});
