import { type Bench, QUOTAS, openBench } from '../../../test-support/bench-google.js';
import {
  type Reply,
  type Seen,
  askedIn,
  batchReply,
  refusal,
} from '../../../test-support/stub-google.js';
import { GoogleError } from '../../errors.js';
import type { Gmail } from './gmail.js';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
beforeEach(() => bench.fresh());
afterAll(() => bench.stop());

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`);
const crowded = refusal(429, 'rateLimitExceeded', 'Too many concurrent requests for user');

/** Answers each part by its id, in reverse order. */
function perPart(
  answer: (id: string) => { status: number; json: unknown } | null,
): (seen: Seen) => Reply {
  return (seen) =>
    batchReply(
      askedIn(seen)
        .toReversed()
        .flatMap(({ contentId, id }) =>
          [answer(id)].flatMap((part) => (part ? [{ contentId, ...part }] : [])),
        ),
    );
}

const good = (id: string) => ({
  status: 200,
  json: { id, threadId: 't', payload: {}, snippet: `--batch_x ${id}` },
});

async function gmail(over: object = {}): Promise<{ gmail: Gmail; takeSpent: () => unknown }> {
  return (await bench.open({ quotas: { ...QUOTAS, ...over } })).account('a1', { lane: 'bulk' });
}

const sizes = (): number[] => bench.stub.seen.map((seen) => askedIn(seen).length);

test('messages are fetched once each, twenty per batch, with parts in any order', async () => {
  bench.stub.answer = perPart(good);
  const { gmail: api, takeSpent } = await gmail();
  const { messages, missing, failed } = await api.getMessages([...ids(45), 'm3']);
  expect(new Set(messages.map(({ id }) => id))).toEqual(new Set(ids(45)));
  expect(messages).toHaveLength(45);
  expect([missing, failed, sizes()]).toEqual([[], [], [20, 20, 5]]);
  expect(takeSpent()).toEqual([{ method: 'gmail.users.messages.get', calls: 45, units: 900 }]);
  expect(bench.stub.seen[0]).toMatchObject({
    verb: 'POST',
    path: '/batch/gmail/v1',
    headers: { authorization: 'Bearer ya29.1' },
  });
});

test('a batch is read in pieces of eight parts', async () => {
  bench.stub.answer = perPart(good);
  const yieldToOthers = jest.spyOn(bench.rt.eventLoop, 'yieldToOthers');
  const { gmail: api } = await gmail();
  await api.getMessages(ids(8));
  expect(yieldToOthers).not.toHaveBeenCalled();
  await api.getMessages(ids(20));
  expect(yieldToOthers).toHaveBeenCalledTimes(2);
  yieldToOthers.mockRestore();
});

test('without ids nothing is requested', async () => {
  expect(await (await gmail()).gmail.getMessages([])).toEqual({
    messages: [],
    missing: [],
    failed: [],
  });
  expect(bench.stub.seen).toEqual([]);
});

test('a 404 is missing; a rejected message fails alone, also when it is the only one', async () => {
  bench.stub.answer = perPart((id) => {
    if (id === 'm1') return { status: 404, json: refusal(404, 'notFound') };
    return id === 'm2' ? { status: 400, json: refusal(400, 'invalidArgument') } : good(id);
  });
  const { gmail: api } = await gmail();
  const all = await api.getMessages(ids(3));
  expect([all.messages.map(({ id }) => id), all.missing]).toEqual([['m0'], ['m1']]);
  expect(all.failed).toMatchObject([
    { id: 'm2', error: { detail: { kind: 'rejected', status: 400, reason: 'invalidArgument' } } },
  ]);
  expect((await api.getMessages(['m2'])).failed).toHaveLength(1);
});

test('only failed parts are requested again, and charged again', async () => {
  const tries = new Map<string, number>();
  bench.stub.answer = perPart((id) => {
    const nth = (tries.get(id) ?? 0) + 1;
    tries.set(id, nth);
    if (id === 'm1' && nth === 1) return { status: 503, json: {} };
    if (id === 'm2' && nth < 3) return null;
    if (id === 'm3' && nth === 1) return { status: 200, json: { id: 'someone-elses' } };
    return good(id);
  });
  const { gmail: api, takeSpent } = await gmail();
  const { messages, failed } = await api.getMessages(ids(5));
  expect([messages.length, failed, sizes()]).toEqual([5, [], [5, 3, 1]]);
  expect(takeSpent()).toMatchObject([{ calls: 9, units: 180 }]);
});

test('a message that fails four times is failed; all others are returned', async () => {
  bench.stub.answer = perPart((id) => (id === 'm1' ? { status: 500, json: {} } : good(id)));
  const { messages, failed } = await (await gmail()).gmail.getMessages(ids(3));
  expect(messages).toHaveLength(2);
  expect(failed).toMatchObject([{ id: 'm1', error: { detail: { kind: 'unavailable' } } }]);
  expect(sizes()).toEqual([3, 1, 1, 1]);
});

test('a mailbox that answers ten parts at once gets batches of ten from then on', async () => {
  bench.stub.answer = (seen) => {
    const asked = askedIn(seen);
    return batchReply(
      asked.map(({ contentId, id }, i) => ({
        contentId,
        ...(i < 10 ? good(id) : { status: 429, json: crowded }),
      })),
    );
  };
  const { messages, failed } = await (await gmail()).gmail.getMessages(ids(60));
  expect([messages.length, failed]).toEqual([60, []]);
  expect(sizes()).toEqual([20, 10, 10, 10, 10, 10]);
});

test('when quota ends halfway, the fetched messages are returned and no further request is made', async () => {
  bench.stub.answer = perPart(good);
  const { gmail: api } = await gmail({ gmailUnitsPerUserMinute: 500 });
  const { messages, failed } = await api.getMessages(ids(40));
  expect([messages.length, failed.length, sizes()]).toEqual([25, 15, [20, 5]]);
  expect(failed[0]).toMatchObject({
    id: 'm25',
    error: { detail: { kind: 'rate-limited', scope: 'user', source: 'governor' } },
  });
  await expect(api.getMessages(ids(1))).rejects.toMatchObject({
    detail: { kind: 'rate-limited', source: 'governor' },
  });
});

const quotaRefusal = { status: 403, json: refusal(403, 'userRateLimitExceeded') };
const closedWindow = { detail: { kind: 'rate-limited', source: 'governor' } };

test("five parts refused for the user's rate stop the fetch and close the quota window", async () => {
  const refused = new Set(['m4', 'm5', 'm6', 'm7', 'm8']);
  bench.stub.answer = perPart((id) => (refused.has(id) ? quotaRefusal : good(id)));
  const { gmail: api } = await gmail();
  const { messages, failed } = await api.getMessages(ids(25));
  expect([messages.length, failed.map(({ id }) => id), sizes()]).toEqual([
    15,
    [...refused, ...ids(25).slice(20)],
    [20],
  ]);
  await expect(api.labels()).rejects.toMatchObject(closedWindow);
});

test.each<[string, number, Reply | null, number[]]>([
  [
    'the next batch is refused',
    25,
    { status: 403, body: refusal(403, 'userRateLimitExceeded') },
    [20, 5],
  ],
  ['its company is refused', 20, null, [20, 5]],
  ['it was asked for alone, and its company is refused', 1, null, [1, 5]],
])(
  "a part refused for the user's rate stops the fetch and closes the quota window when %s",
  async (_when, count, whole, asked) => {
    let batches = 0;
    bench.stub.answer = (seen) => {
      batches += 1;
      if (batches === 1) return perPart((id) => (id === 'm0' ? quotaRefusal : good(id)))(seen);
      return whole ?? perPart(() => quotaRefusal)(seen);
    };
    const { gmail: api } = await gmail();
    await api.getMessages(ids(count)).catch(() => undefined);
    expect(sizes()).toEqual(asked);
    await expect(api.labels()).rejects.toMatchObject(closedWindow);
  },
);

test.each([
  ['among others', 30, [20, 10, 5, 5]],
  ['alone', 1, [1, 5, 5, 5]],
])(
  'a message refused for quota each time, %s, while ids without a message are answered, fails alone and closes no window',
  async (_where, count, asked) => {
    bench.stub.answer = perPart((id) => {
      if (id === 'm0') return quotaRefusal;
      return id.startsWith('m') ? good(id) : { status: 404, json: refusal(404, 'notFound') };
    });
    const { gmail: api } = await gmail();
    const { messages, missing, failed } = await api.getMessages(ids(count));
    expect([messages.length, missing, failed, sizes()]).toEqual([
      count - 1,
      [],
      [
        {
          id: 'm0',
          error: expect.objectContaining({
            detail: { kind: 'forbidden', reason: 'quota-of-one-item' },
          }),
        },
      ],
      asked,
    ]);
    bench.stub.answer = () => ({ body: { labels: [] } });
    expect(await api.labels()).toEqual([]);
  },
);

test('a message always refused for concurrency does not reduce the batch size', async () => {
  bench.stub.answer = perPart((id) => {
    if (id === 'm0') return { status: 429, json: crowded };
    return id.startsWith('m') ? good(id) : { status: 404, json: refusal(404, 'notFound') };
  });
  const { gmail: api } = await gmail();
  for (let times = 0; times < 3; times++) await api.getMessages(['m0']);
  bench.stub.seen.length = 0;
  await api.getMessages(ids(40).slice(1));
  expect(sizes()).toEqual([20, 19]);
});

test('sources are fetched byte for byte, 8 MB per batch and larger ones alone, at the price of messages', async () => {
  const bytes = (id: string): Buffer => Buffer.from([0, 255, 13, 10, ...Buffer.from(id)]);
  let odd = 0;
  bench.stub.answer = perPart((id) => ({
    status: 200,
    json: {
      id,
      ...(id === 'm2' && (odd += 1) === 1 ? {} : { raw: bytes(id).toString('base64url') }),
    },
  }));
  const { gmail: api, takeSpent } = await gmail();
  const { sources, missing, failed } = await api.getSources(
    ids(6).map((id, i) => ({ id, bytes: (i === 3 ? 30 : 4) * 1024 * 1024 })),
  );
  expect(new Map(sources.map(({ id, source }) => [id, source?.toString('hex')]))).toEqual(
    new Map(ids(6).map((id) => [id, bytes(id).toString('hex')])),
  );
  expect([
    missing,
    failed,
    bench.stub.seen.map((seen) =>
      askedIn(seen)
        .map(({ id }) => id)
        .join(),
    ),
  ]).toEqual([[], [], ['m0,m1', 'm2', 'm3', 'm4,m5', 'm2']]);
  expect(takeSpent()).toMatchObject([{ calls: 7, units: 140 }]);
  expect(bench.stub.seen[0]?.body).toContain('/messages/m0?format=raw');
});

test('a message is reported as having no source after two answers without one', async () => {
  bench.stub.answer = perPart((id) => ({
    status: 200,
    json: { id, ...(id === 'm1' ? {} : { raw: 'cmF3' }) },
  }));
  const { gmail: api, takeSpent } = await gmail();
  const { sources, missing, failed } = await api.getSources(
    ids(3).map((id) => ({ id, bytes: 1_000 })),
  );
  expect(new Map(sources.map(({ id, source }) => [id, source?.toString() ?? null]))).toEqual(
    new Map([
      ['m0', 'raw'],
      ['m2', 'raw'],
      ['m1', null],
    ]),
  );
  expect([missing, failed]).toEqual([[], []]);
  expect(takeSpent()).toMatchObject([{ calls: 4 }]);
});

test('a forbidden message fails alone while others are returned, also when it is alone in its batch', async () => {
  bench.stub.answer = perPart((id) =>
    id === 'm20' ? { status: 403, json: refusal(403, 'forbidden') } : good(id),
  );
  const { messages, failed } = await (await gmail()).gmail.getMessages(ids(21));
  expect([messages.length, failed.map(({ id }) => id)]).toEqual([20, ['m20']]);
  expect(failed[0]?.error.detail).toEqual({ kind: 'forbidden', reason: 'forbidden' });
});

test('two batches in a row in which every part is forbidden stop the fetch', async () => {
  bench.stub.answer = perPart(() => ({ status: 403, json: refusal(403, 'forbidden') }));
  await expect((await gmail()).gmail.getMessages(ids(80))).rejects.toMatchObject({
    detail: { kind: 'forbidden' },
  });
  expect(sizes()).toEqual([20, 20]);
});

test('an outage before the first message is thrown after three batches', async () => {
  bench.stub.answer = () => ({ status: 502, body: '<html>' });
  await expect((await gmail()).gmail.getMessages(ids(200))).rejects.toMatchObject({
    detail: { kind: 'unavailable' },
  });
  expect(sizes()).toEqual([20, 20, 20]);
});

test('a response that is not a batch is requested again', async () => {
  let calls = 0;
  bench.stub.answer = (seen) => {
    calls += 1;
    if (calls === 1) return { body: '{}' };
    return calls === 2 ? { reset: 'at-once' } : perPart(good)(seen);
  };
  expect((await (await gmail()).gmail.getMessages(ids(3))).messages).toHaveLength(3);
});

test('a 401 in a part renews the token once, as a 401 of the whole batch does', async () => {
  bench.stub.answer = (seen) =>
    seen.headers.authorization === 'Bearer ya29.1'
      ? perPart(() => ({ status: 401, json: refusal(401, 'authError') }))(seen)
      : perPart(good)(seen);
  expect((await (await gmail()).gmail.getMessages(ids(3))).messages).toHaveLength(3);
  expect(bench.stub.refreshes).toHaveLength(2);
  bench.stub.answer = (seen) =>
    seen.verb === 'GET'
      ? { status: 401, body: refusal(401, 'authError') }
      : perPart(() => ({ status: 401, json: refusal(401, 'authError') }))(seen);
  await expect((await gmail()).gmail.getMessages(ids(3))).rejects.toMatchObject({
    detail: { kind: 'unauthorized' },
  });
});

test.each([
  ['among others', 30],
  ['alone', 1],
])(
  'a message answered with 401, %s, does not affect the grant while the mailbox answers',
  async (_, count) => {
    bench.stub.answer = (seen) =>
      seen.path === '/gmail/v1/users/me/profile'
        ? { body: { emailAddress: 'a@b.example' } }
        : perPart((id) =>
            id === 'm0' ? { status: 401, json: refusal(401, 'authError') } : good(id),
          )(seen);
    const { messages, failed } = await (await gmail()).gmail.getMessages(ids(count));
    expect([messages.length, failed]).toEqual([
      count - 1,
      [
        {
          id: 'm0',
          error: expect.objectContaining({ detail: { kind: 'forbidden', reason: 'authError' } }),
        },
      ],
    ]);
    expect(bench.stub.seen.filter(({ verb }) => verb === 'GET')).toHaveLength(1);
  },
);

test("a message answered with 401 is requested later when the mailbox's answer is inconclusive", async () => {
  bench.stub.answer = (seen) =>
    seen.verb === 'GET'
      ? { status: 503, body: {} }
      : perPart(() => ({ status: 401, json: refusal(401, 'authError') }))(seen);
  await expect((await gmail()).gmail.getMessages(ids(1))).rejects.toMatchObject({
    detail: { kind: 'unavailable' },
  });
});

test('a grant without the scope for reading stops the fetch at once', async () => {
  bench.stub.answer = perPart(() => ({
    status: 403,
    json: refusal(403, 'insufficientPermissions'),
  }));
  const thrown: unknown = await (
    await gmail()
  ).gmail
    .getMessages(ids(30))
    .catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(GoogleError);
  expect(thrown).toMatchObject({
    detail: { kind: 'forbidden', reason: 'insufficientPermissions' },
  });
  expect(sizes()).toEqual([20]);
});

test('a message that breaks every batch it is in is separated from the others', async () => {
  bench.stub.answer = (seen) =>
    askedIn(seen).some(({ id }) => id === 'm7')
      ? { reset: 'in-body', body: 'x'.repeat(100) }
      : perPart(good)(seen);
  const { messages, failed } = await (await gmail()).gmail.getMessages(ids(22));
  expect([messages.length, failed.map(({ id }) => id)]).toEqual([21, ['m7']]);
});
