import fc from 'fast-check';
import { jobData, jobName, readJobData } from './job-payload.js';
import { JOBS, backoffMs, jobOptions } from './jobs.js';
import { QUEUE_NAMES } from './queues.js';

const ID = '0197f0c0-7a55-7d2e-9c1f-3a2b1c0d9e8f';
const stored = (data: unknown): unknown => JSON.parse(JSON.stringify(data));

test('written job data is read unchanged', () => {
  const subject = {
    collectionId: ID,
    accountId: ID,
    tenant: 'acme',
    cause: 'notification' as const,
  };
  const whose = { collection: ID, account: ID, tenant: 'acme', cause: 'notification' };
  expect(readJobData(stored(jobData(subject, 'gmail-full')), 'gmail-full')).toEqual({
    ...whose,
    resource: 'gmail',
    mode: 'full',
  });
  const watch = jobData({ ...subject, resource: 'calendar' }, 'watch');
  expect(readJobData(stored(watch), 'watch')).toEqual({
    ...whose,
    resource: 'calendar',
    mode: null,
  });
});

test('a job of the previous version, with its collection only, is read with the data of its queue', () => {
  const before = { v: 1, collectionId: ID };
  const unknown = { collection: ID, account: null, tenant: null, cause: 'schedule' };
  expect(JOBS['calendar-incremental'].read(before)).toEqual({
    ...unknown,
    resource: 'calendar',
    mode: 'incremental',
  });
  expect(JOBS.watch.read(before)).toEqual({ ...unknown, resource: null, mode: null });
});

test('a job is named by its resource, its work and its tenant', () => {
  expect([
    jobName('gmail-incremental', { resource: 'gmail', tenant: 'acme' }),
    jobName('calendar-full', { resource: 'calendar', tenant: null }),
    jobName('watch', { resource: 'gmail', tenant: 'acme' }),
  ]).toEqual(['gmail incremental acme', 'calendar full', 'gmail watch acme']);
});

test('S3: a tenant that could be an address and an account that is not an id are left out of a job', () => {
  for (const tenant of ['ann@example.com', 'Ann Example', '', '<b>'])
    expect(
      jobData({ collectionId: 'c1', accountId: 'ann@example.com', tenant }, 'gmail-full'),
    ).toEqual({ collection: 'c1', cause: 'schedule', resource: 'gmail', mode: 'full' });
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
    expect(() => jobData({ collectionId: bad }, 'gmail-full')).toThrow(
      'a job is for a collection id',
    );
  }
});

test.each([
  ['nothing', undefined],
  ['no data, as an evicting Redis leaves it', {}],
  ['another version', { v: 2, collectionId: 'a' }],
  ['a number for an id', { v: 1, collectionId: 7 }],
  ['an address for an id', { v: 1, collectionId: 'ann@example.com' }],
  ['a field too many', { v: 1, collectionId: 'a', email: 'ann@example.com' }],
  [
    'an address for a collection',
    { ...jobData({ collectionId: 'a' }, 'gmail-full'), collection: 'ann@example.com' },
  ],
  [
    'an address for a tenant',
    { ...jobData({ collectionId: 'a' }, 'gmail-full'), tenant: 'ann@example.com' },
  ],
  [
    'an address for an account',
    { ...jobData({ collectionId: 'a' }, 'gmail-full'), account: 'ann@example.com' },
  ],
  [
    'a cause of its own',
    { ...jobData({ collectionId: 'a' }, 'gmail-full'), cause: 'ann@example.com' },
  ],
  ['another field', { ...jobData({ collectionId: 'a' }, 'gmail-full'), email: 'ann@example.com' }],
  ['the job of another queue', jobData({ collectionId: 'a' }, 'gmail-incremental')],
  ['the job of another resource', jobData({ collectionId: 'a' }, 'calendar-full')],
])('refuses %s', (_what, raw) => {
  expect(readJobData(raw, 'gmail-full')).toBeNull();
});

test('S3: a job is read as opaque ids and our own words or not at all, whatever Redis holds', () => {
  const something = fc.oneof(
    fc.anything({ maxDepth: 3 }),
    fc.record({ v: fc.constantFrom(1, 2, '1'), collectionId: fc.anything() }),
    fc.record(
      { v: fc.constant(1), collectionId: fc.string(), more: fc.anything() },
      { requiredKeys: ['v'] },
    ),
    fc.record(
      {
        collection: fc.oneof(fc.string(), fc.constant('c1')),
        account: fc.anything(),
        tenant: fc.string(),
        resource: fc.constantFrom('gmail', 'x@y'),
        mode: fc.constantFrom('full', 'x@y'),
        cause: fc.constantFrom('schedule', 'x@y'),
        more: fc.anything(),
      },
      { requiredKeys: ['collection', 'resource', 'mode', 'cause'] },
    ),
  );
  const isIdOrNull = (value: string | null): boolean =>
    value === null || /^[\w.-]{1,64}$/.test(value);
  fc.assert(
    fc.property(something, (raw) => {
      const data = readJobData(raw, 'gmail-full');
      if (data === null) return true;
      return (
        Object.keys(data).sort().join() === 'account,cause,collection,mode,resource,tenant' &&
        /^[\w-]{1,64}$/.test(data.collection) &&
        [data.account, data.tenant].every(isIdOrNull) &&
        `${data.resource} ${data.mode} ${data.cause}` === 'gmail full schedule'
      );
    }),
  );
});

test('S3: a job has at most 256 bytes, one running and one next, and is kept for a bounded time', () => {
  for (const queue of QUEUE_NAMES)
    expect(jobOptions(queue, 'c1')).toMatchObject({
      attempts: 8,
      deduplication: { id: 'c1', keepLastIfActive: true },
      removeOnComplete: { count: 1000 },
      removeOnFail: { age: 604_800, count: 10_000 },
      sizeLimit: 256,
    });
  const longest = {
    collectionId: 'x'.repeat(64),
    accountId: 'x'.repeat(36),
    tenant: 'x'.repeat(200),
    cause: 'notification' as const,
  };
  const sizes = QUEUE_NAMES.map((queue) =>
    Buffer.byteLength(JSON.stringify(jobData({ ...longest, resource: 'calendar' }, queue))),
  );
  expect(Math.max(...sizes)).toBeLessThanOrEqual(256);
});

test('backoff doubles from 2 s to 2 minutes, with jitter in its upper half', () => {
  expect([1, 2, 3, 7, 8, 60].map((attempt) => backoffMs('gmail-full', attempt, 0))).toEqual([
    1_000, 2_000, 4_000, 60_000, 60_000, 60_000,
  ]);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, chance) => {
        const ms = backoffMs('gmail-full', attempt, chance);
        expect(ms).toBeGreaterThanOrEqual(1_000);
        expect(ms).toBeLessThanOrEqual(120_000);
      },
    ),
  );
});
